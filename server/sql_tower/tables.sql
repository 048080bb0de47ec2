-- name: schema
-- The tower's own schema, of which nobody but its owner needs anything, and the one that analysts call.
CREATE SCHEMA IF NOT EXISTS vitrine_tower;
CREATE SCHEMA IF NOT EXISTS vitrine_sql;
REVOKE ALL ON SCHEMA vitrine_tower FROM PUBLIC

-- name: tables
-- One tower a model: that of the active model, that of the one before it, and of one that is about to come. Vectors
-- stand in their rows (PLAIN): a product reads tens of thousands of them, and what is moved out of its row costs more
-- to fetch than to multiply. No foreign keys: they would be checked for each of these rows.
CREATE TABLE IF NOT EXISTS vitrine_tower.tower (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      text NOT NULL UNIQUE,
    name        text NOT NULL,
    refusal     text,
    width       integer,
    hidden      integer,
    piece       integer,
    layers      integer,
    heads       integer,
    dimension   integer,
    activation  text,
    epsilon     float8,
    context     integer,
    longest     integer,
    blanks      text,
    opening     integer[],
    closing     integer[],
    first_bytes integer[],
    last_bytes  integer[],
    made_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vitrine_tower.tower IS 'Text towers that embed_text computes, by model; refusal: why one cannot be.';
CREATE TABLE IF NOT EXISTS vitrine_tower.weight (
    tower integer NOT NULL,
    n     integer NOT NULL,
    bias  float8 NOT NULL,
    w     halfvec NOT NULL,
    PRIMARY KEY (tower, n)
);
ALTER TABLE vitrine_tower.weight ALTER COLUMN w SET STORAGE PLAIN;
COMMENT ON TABLE vitrine_tower.weight IS 'Rows of the matrices, negated: row <#> x is their product with x.';
CREATE TABLE IF NOT EXISTS vitrine_tower.token (
    tower integer NOT NULL,
    n     integer NOT NULL,
    v     halfvec NOT NULL,
    PRIMARY KEY (tower, n)
);
ALTER TABLE vitrine_tower.token ALTER COLUMN v SET STORAGE PLAIN;
CREATE TABLE IF NOT EXISTS vitrine_tower.place (
    tower integer NOT NULL,
    n     integer NOT NULL,
    v     vector NOT NULL,
    PRIMARY KEY (tower, n)
);
ALTER TABLE vitrine_tower.place ALTER COLUMN v SET STORAGE PLAIN;
CREATE TABLE IF NOT EXISTS vitrine_tower.merge (
    tower  integer NOT NULL,
    before integer NOT NULL,
    behind integer NOT NULL,
    rank   integer NOT NULL,
    made   integer NOT NULL,
    PRIMARY KEY (tower, before, behind)
);
CREATE TABLE IF NOT EXISTS vitrine_tower.word (
    tower integer NOT NULL,
    word  text COLLATE "C" NOT NULL,
    token integer NOT NULL,
    PRIMARY KEY (tower, word)
);
COMMENT ON TABLE vitrine_tower.word IS 'Words that are one token, so that nothing has to be merged.';
CREATE TABLE IF NOT EXISTS vitrine_tower.step (
    tower   integer NOT NULL,
    n       integer NOT NULL,
    kind    text NOT NULL,
    pattern text COLLATE "C",
    stead   text COLLATE "C",
    plain   text COLLATE "C",
    PRIMARY KEY (tower, n)
);
COMMENT ON TABLE vitrine_tower.step IS 'What is done to a text, in order, before its pieces become tokens.';
COMMENT ON COLUMN vitrine_tower.step.plain IS 'The pattern for texts of ASCII alone.'

-- name: add_tower
-- A tower without rows yet.
INSERT INTO vitrine_tower.tower (
    digest, name, refusal, width, hidden, piece, layers, heads, dimension, activation, epsilon,
    context, longest, blanks, opening, closing, first_bytes, last_bytes
)
VALUES (
    %(digest)s, %(name)s, %(refusal)s, %(width)s, %(hidden)s, %(piece)s, %(layers)s, %(heads)s, %(dimension)s,
    %(activation)s, %(epsilon)s, %(context)s, %(longest)s, %(blanks)s, %(opening)s, %(closing)s, %(first_bytes)s,
    %(last_bytes)s
)
RETURNING id

-- name: copy_weights
-- Rows of matrices, tens of thousands of them.
COPY vitrine_tower.weight (tower, n, bias, w) FROM STDIN (FORMAT binary)

-- name: copy_tokens
-- A row for each token.
COPY vitrine_tower.token (tower, n, v) FROM STDIN (FORMAT binary)

-- name: copy_places
-- A row for each place in a text.
COPY vitrine_tower.place (tower, n, v) FROM STDIN (FORMAT binary)

-- name: copy_merges
-- Which pair of tokens becomes which, and which pair goes first.
COPY vitrine_tower.merge (tower, before, behind, rank, made) FROM STDIN (FORMAT binary)

-- name: copy_words
-- Words that are one token.
COPY vitrine_tower.word (tower, word, token) FROM STDIN (FORMAT binary)

-- name: copy_steps
-- What is done to a text.
COPY vitrine_tower.step (tower, n, kind, pattern, stead, plain) FROM STDIN (FORMAT binary)

-- name: remove_towers
-- All but those of these models, or of all where none is named. The active model's weights go only with the schema.
WITH gone AS (DELETE FROM vitrine_tower.tower WHERE digest <> ALL (%(digests)s) RETURNING id),
weights AS (DELETE FROM vitrine_tower.weight WHERE tower IN (SELECT id FROM gone)),
tokens AS (DELETE FROM vitrine_tower.token WHERE tower IN (SELECT id FROM gone)),
places AS (DELETE FROM vitrine_tower.place WHERE tower IN (SELECT id FROM gone)),
merges AS (DELETE FROM vitrine_tower.merge WHERE tower IN (SELECT id FROM gone)),
words AS (DELETE FROM vitrine_tower.word WHERE tower IN (SELECT id FROM gone)),
steps AS (DELETE FROM vitrine_tower.step WHERE tower IN (SELECT id FROM gone))
SELECT count(*) FROM gone

-- name: remove_all
-- Functions, tables and all. The schema that analysts use has more in it, and stays.
DROP FUNCTION IF EXISTS vitrine_sql.embed_text(text);
DROP FUNCTION IF EXISTS vitrine_sql.remember_text(text);
DROP SCHEMA IF EXISTS vitrine_tower CASCADE

-- name: is_installed
-- Whether the tower is in this database.
SELECT to_regclass('vitrine_tower.tower') IS NOT NULL

-- name: has_tower
-- Whether this model's tower is loaded, or noted as one that cannot be computed.
SELECT EXISTS (SELECT FROM vitrine_tower.tower WHERE digest = %(digest)s AND refusal IS NULL)

-- name: wanted
-- Models whose towers are kept: the active one, the one to go back to, and one that is about to come.
SELECT digest FROM {tables}.embedding_model WHERE state IN ('active', 'previous', 'candidate')

-- name: sizes
-- Bytes of the tower's tables, indexes included.
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relnamespace = 'vitrine_tower'::regnamespace AND relkind = 'r' ORDER BY relname

-- name: places_of
-- The schemas of Vitrine's tables and of pgvector, and what text is kept in.
SELECT (SELECT quote_ident(nspname) FROM pg_namespace JOIN pg_class ON pg_class.relnamespace = pg_namespace.oid
        WHERE pg_class.oid = to_regclass('embedding_model')),
       (SELECT quote_ident(nspname) FROM pg_namespace JOIN pg_extension ON extnamespace = pg_namespace.oid
        WHERE extname = 'vector'),
       current_setting('server_encoding')
