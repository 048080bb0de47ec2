"""What the shop's own words are: for corrections of typos, for suggestions while somebody types, and synonyms.

`search_word`, `search_phrase` and `search_pair` are derived from the live products by server/search/words/words.sql and
may be emptied at any time; the next refresh fills them again. They are tables and not materialized views, so that a
refresh writes only what changed and readers never wait.

`synonym` is written by people, also in psql, so its rules stand here: what is stored is what a query is compared with,
lower case and without blanks around it. `search_refresh` tells each process whether its copy in memory is still true.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

# Keep in step with LONGEST_SYNONYM and MOST_REPLACEMENTS in server/search/words/synonyms.py; a test compares them.
LONGEST_SYNONYM = 100
MOST_REPLACEMENTS = 20

DERIVED = (
    """
    CREATE TABLE search_word (
        word      text COLLATE "C" PRIMARY KEY CHECK (length(word) BETWEEN 1 AND 40),
        products  integer NOT NULL CHECK (products > 0),
        titles    integer NOT NULL CHECK (titles BETWEEN 0 AND products)
    )
    """,
    """
    CREATE TABLE search_phrase (
        kind      text COLLATE "C" NOT NULL CHECK (kind IN ('phrase', 'title', 'brand', 'category')),
        phrase    text COLLATE "C" NOT NULL CHECK (length(phrase) BETWEEN 1 AND 500),
        products  integer NOT NULL CHECK (products > 0),
        PRIMARY KEY (kind, phrase)
    )
    """,
    """
    CREATE TABLE search_pair (
        word      text COLLATE "C" NOT NULL,
        other     text COLLATE "C" NOT NULL CHECK (word < other),
        products  integer NOT NULL CHECK (products > 0),
        PRIMARY KEY (word, other)
    )
    """,
)

REFRESH = """
CREATE TABLE search_refresh (
    name     text COLLATE "C" PRIMARY KEY CHECK (name IN ('words', 'synonyms')),
    version  bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    at       timestamptz NOT NULL DEFAULT now(),
    products integer NOT NULL DEFAULT 0 CHECK (products >= 0),
    seconds  real NOT NULL DEFAULT 0
)
"""

# A CHECK may hold no subquery, and each element of an array has to be looked at.
PLAIN = """
CREATE FUNCTION synonym_is_plain(texts text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(bool_and(COALESCE(
        length(one) <= {longest} AND one = lower(one) AND one ~ '^[^[:space:]]+( [^[:space:]]+)*$', false
    )), false)
    FROM unnest(texts) AS one
$$
"""

SYNONYM = """
CREATE TABLE synonym (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    words         text COLLATE "C" NOT NULL CONSTRAINT synonym_words_are_plain CHECK (synonym_is_plain(ARRAY[words])),
    replacements  text[] COLLATE "C" NOT NULL
                  CONSTRAINT synonym_replacements_are_plain CHECK (synonym_is_plain(replacements))
                  CONSTRAINT synonym_replacements_are_a_list CHECK (
                      array_ndims(replacements) = 1 AND cardinality(replacements) <= {most}
                  ),
    two_way       boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT synonym_is_not_its_own CHECK (words <> ALL (replacements)),
    CONSTRAINT synonym_words_once UNIQUE (words, two_way)
)
"""

# Also a change by hand in psql reaches every server.
FUNCTION = """
CREATE FUNCTION synonym_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_refresh AS known (name) VALUES ('synonyms')
    ON CONFLICT (name) DO UPDATE SET version = known.version + 1, at = now();
    RETURN NULL;
END
$$
"""

TRIGGER = """
CREATE TRIGGER synonym_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON synonym
FOR EACH STATEMENT EXECUTE FUNCTION synonym_changed()
"""

COMMENTS = {
    "TABLE search_word": "Words of the live products, derived: corrections and suggestions are made of them.",
    "COLUMN search_word.products": "Live products that hold the word in any of their texts.",
    "COLUMN search_word.titles": "Those of them that hold it in title, brand or category.",
    "TABLE search_phrase": "What suggestions are made of, derived: frequent phrases of titles, titles that several "
    "products share, brands, category paths.",
    "TABLE search_pair": "Two words that title, brand and kind of the same product hold, derived; in how many of them.",
    "TABLE search_refresh": "When words were last computed, synonyms last changed. A change raises the version.",
    "TABLE synonym": "What shoppers say for what the catalogue says. two_way: each for all others; else words for the "
    "replacements alone.",
}


def upgrade() -> None:
    plain, synonym = PLAIN.format(longest=LONGEST_SYNONYM), SYNONYM.format(most=MOST_REPLACEMENTS)
    for statement in (*DERIVED, REFRESH, plain, synonym, FUNCTION, TRIGGER):
        op.execute(statement)
    for target, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {target} IS '{comment}'")
