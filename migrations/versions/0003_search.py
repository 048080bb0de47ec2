"""What a search reads: one narrow row a live product, kept by triggers beside the wide one.

`product_search` holds what filters compare, the words, and a sketch of the vector: its first principal components, 64
numbers for 512. Ranking 20,000 such rows and then the best of them exactly takes 12 ms, where reading their products
takes 60; docs/layout.md has the measurements. Words stand in a table of their own, `product_words`: they would make the
narrow row three times as long, and a change of a price would write them into their index again.

No index of `product` names price, category, brand or stock any more. Such an index makes every change of a price insert
the vector into HNSW again.

The axes of the sketches belong to a model. Where none were computed yet (`vitrine search refresh`), `sketch` is NULL
and searches go without.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = (
    """
CREATE TABLE search_settings (
    language  regconfig NOT NULL,
    costs     jsonb
)
""",
    "CREATE UNIQUE INDEX search_settings_one ON search_settings ((true))",
    "INSERT INTO search_settings (language) VALUES ('english')",
    """
CREATE TABLE embedding_basis (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model     integer NOT NULL REFERENCES embedding_model (id) ON DELETE CASCADE,
    center    vector NOT NULL,
    variance  double precision NOT NULL CHECK (variance >= 0),
    products  bigint NOT NULL CHECK (products >= 0),
    ready     boolean NOT NULL DEFAULT false,
    made_at   timestamptz NOT NULL DEFAULT now()
)
""",
    """
CREATE TABLE embedding_axis (
    basis     integer NOT NULL REFERENCES embedding_basis (id) ON DELETE CASCADE,
    position  smallint NOT NULL,
    axis      halfvec NOT NULL,
    shift     real NOT NULL,
    variance  double precision NOT NULL CHECK (variance >= 0),
    PRIMARY KEY (basis, position)
)
""",
    """
CREATE TABLE product_search (
    sku            text COLLATE "C" PRIMARY KEY REFERENCES product (sku) ON UPDATE CASCADE ON DELETE CASCADE,
    category       text COLLATE "C",
    brand          text COLLATE "C",
    current_price  numeric(12, 2),
    currency       text COLLATE "C" NOT NULL,
    stock          integer,
    created_at     timestamptz NOT NULL,
    attributes     text[] NOT NULL,
    basis          integer,
    sketch         halfvec
)
""",
    """
CREATE TABLE product_words (
    sku            text COLLATE "C" PRIMARY KEY REFERENCES product (sku) ON UPDATE CASCADE ON DELETE CASCADE,
    title_key      bigint NOT NULL,
    title_words    smallint NOT NULL,
    search_text    tsvector NOT NULL
)
""",
    "ALTER TABLE product_search ALTER COLUMN sketch SET STORAGE PLAIN",
)

FUNCTIONS = (
    # The axes that rows are sketched by: the newest of the active model, also while older rows are still being done.
    """
CREATE FUNCTION current_embedding_basis() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT b.id FROM embedding_basis AS b JOIN embedding_model AS m ON m.id = b.model
    WHERE m.state = 'active' ORDER BY b.id DESC LIMIT 1
$$
""",
    # (embedding - center) . axis, for each axis of the basis; shift is center . axis.
    """
CREATE FUNCTION product_sketch(embedding halfvec, for_basis integer) RETURNS halfvec LANGUAGE sql STABLE STRICT AS $$
    SELECT array_agg((-(a.axis <#> $1) - a.shift)::real ORDER BY a.position)::halfvec
    FROM embedding_axis AS a WHERE a.basis = $2
$$
""",
    # Whole titles are compared by this number, so that no index has to hold them.
    """
CREATE FUNCTION search_title_key(title text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT hashtextextended(lower(btrim(regexp_replace(title, '\\s+', ' ', 'g'))), 0)
$$
""",
    # The description is cut: a tsvector takes 1 MB at most, and what stands behind 20,000 characters describes nothing.
    """
CREATE FUNCTION search_text_of(language regconfig, title text, brand text, category text, attributes jsonb,
                               description text)
RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT setweight(to_tsvector(language, title), 'A')
        || setweight(to_tsvector(language, COALESCE(brand, '')), 'B')
        || setweight(to_tsvector(language, COALESCE(replace(category, '/', ' '), '')), 'C')
        || setweight(jsonb_to_tsvector(language, attributes, '["string"]'), 'C')
        || setweight(to_tsvector(language, left(description, 20000)), 'D')
$$
""",
    # name=value of what short texts, numbers and lists of them say; a filter looks for these, and facets count them.
    """
CREATE FUNCTION search_attributes_of(attributes jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(array_agg(DISTINCT each.key || '=' || (one.value #>> '{}')), '{}')
    FROM jsonb_each($1) AS each,
         jsonb_array_elements(CASE jsonb_typeof(each.value) WHEN 'array' THEN each.value
                              ELSE jsonb_build_array(each.value) END) AS one
    WHERE jsonb_typeof(one.value) IN ('string', 'number', 'boolean')
      AND length(one.value #>> '{}') BETWEEN 1 AND 60 AND length(each.key) <= 60
$$
""",
    # `embedding::halfvec`: after a change of the model the column has another dimension, and this plan lives on.
    """
CREATE FUNCTION product_search_put(skus text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    words_of regconfig := COALESCE((SELECT language FROM search_settings), 'english');
    newest integer := current_embedding_basis();
BEGIN
    INSERT INTO product_search (sku, category, brand, current_price, currency, stock, created_at, attributes,
                                basis, sketch)
    SELECT p.sku, p.category, p.brand, p.current_price, p.currency, p.stock, p.created_at,
           search_attributes_of(p.attributes), CASE WHEN p.embedding IS NOT NULL THEN newest END,
           product_sketch(p.embedding::halfvec, newest)
    FROM product AS p
    WHERE p.sku = ANY (skus) AND p.status = 'live'
    ON CONFLICT (sku) DO UPDATE
    SET category = excluded.category, brand = excluded.brand, current_price = excluded.current_price,
        currency = excluded.currency, stock = excluded.stock, created_at = excluded.created_at,
        attributes = excluded.attributes, basis = excluded.basis, sketch = excluded.sketch;
    INSERT INTO product_words (sku, title_key, title_words, search_text)
    SELECT p.sku, search_title_key(p.title), length(to_tsvector(words_of, p.title)),
           search_text_of(words_of, p.title, p.brand, p.category, p.attributes, p.description)
    FROM product AS p
    WHERE p.sku = ANY (skus) AND p.status = 'live'
    ON CONFLICT (sku) DO UPDATE
    SET title_key = excluded.title_key, title_words = excluded.title_words, search_text = excluded.search_text;
END
$$
""",
    """
CREATE FUNCTION product_search_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM product_search_put(ARRAY(SELECT sku FROM new_rows WHERE status = 'live'));
    RETURN NULL;
END
$$
""",
    # Where only what a filter compares has changed, as in a feed of prices, that alone is written.
    """
CREATE FUNCTION product_search_update() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    anew text[];
BEGIN
    DELETE FROM product_search AS s USING new_rows AS n WHERE s.sku = n.sku AND n.status <> 'live';
    DELETE FROM product_words AS w USING new_rows AS n WHERE w.sku = n.sku AND n.status <> 'live';
    UPDATE product_search AS s
    SET current_price = n.current_price, currency = n.currency, stock = n.stock, created_at = n.created_at
    FROM new_rows AS n
    WHERE s.sku = n.sku AND n.status = 'live'
      AND (s.current_price, s.currency, s.stock, s.created_at)
          IS DISTINCT FROM (n.current_price, n.currency, n.stock, n.created_at);
    anew := ARRAY(
        SELECT n.sku FROM new_rows AS n LEFT JOIN old_rows AS o ON o.sku = n.sku
        WHERE n.status = 'live'
          AND (o.sku IS NULL OR o.status <> 'live'
               OR (o.title, o.brand, o.category, o.attributes, o.description)
                  IS DISTINCT FROM (n.title, n.brand, n.category, n.attributes, n.description)
               OR o.embedding::halfvec IS DISTINCT FROM n.embedding::halfvec));
    IF cardinality(anew) > 0 THEN
        PERFORM product_search_put(anew);
    END IF;
    RETURN NULL;
END
$$
""",
)

INDEXES = (
    "CREATE INDEX product_search_price ON product_search (currency, current_price)",
    "CREATE INDEX product_search_category ON product_search (category)",
    "CREATE INDEX product_search_brand ON product_search (brand)",
    "CREATE INDEX product_search_created_at ON product_search (created_at DESC, sku)",
    "CREATE INDEX product_words_title_key ON product_words (title_key)",
    "CREATE INDEX product_search_attributes ON product_search USING gin (attributes) "
    "WITH (gin_pending_list_limit = 512)",
    # A short list of what is not merged in yet: every search reads all of it.
    "CREATE INDEX product_words_search_text ON product_words USING gin (search_text) "
    "WITH (gin_pending_list_limit = 512)",
)

TRIGGERS = (
    "CREATE TRIGGER product_search_insert AFTER INSERT ON product REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_search_insert()",
    "CREATE TRIGGER product_search_update AFTER UPDATE ON product "
    "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_search_update()",
)

# Room for the next version of a row in its page, so that a change of a price touches no index.
MOVED = (
    "DROP INDEX product_current_price",
    "DROP INDEX product_category",
    "DROP INDEX product_brand",
    "ALTER TABLE product SET (fillfactor = 80)",
)

COMMENTS = {
    "TABLE product_search": "A narrow copy of every live product for searches, kept by triggers on product. Read-only "
    "for everybody else.",
    "COLUMN product_search.sketch": "The first principal components of the embedding, by the axes of `basis`.",
    "TABLE product_words": "The words of every live product, kept with product_search.",
    "COLUMN product_words.search_text": "Title A, brand B, category and attributes C, description D.",
    "TABLE embedding_basis": "Mean and principal components of the embeddings that a model made of this catalogue.",
    "COLUMN embedding_basis.variance": "Mean squared distance of an embedding from the center.",
    "COLUMN embedding_basis.ready": "Whether every live product has a sketch by these axes.",
    "TABLE search_settings": "One row. language: whose word forms and stop words a search knows. costs: what the ways "
    "of ranking take on this machine, as vitrine search calibrate measured them.",
}


def upgrade() -> None:
    for statement in (*TABLES, *FUNCTIONS):
        op.execute(statement)
    op.execute("SELECT product_search_put(ARRAY(SELECT sku FROM product WHERE status = 'live'))")
    for statement in (*INDEXES, *TRIGGERS, *MOVED):
        op.execute(statement)
    for target, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {target} IS '{comment}'")
