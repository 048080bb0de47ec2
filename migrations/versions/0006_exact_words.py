"""The very words of each product, beside their stems.

`search_text` leaves out stop words and takes words for their stems, so `"button down"` found every product that has a
button. What is quoted has to stand there word by word, which takes all of the words as they are written.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

FUNCTIONS = (
    # Hyphens, slashes and dots between letters part words, so that "button down" finds Button-Down and the other way
    # round; so do tags, and signs beyond ASCII, which the parser takes for letters. Apostrophes are of one kind, and
    # what nobody sees (soft hyphens, joiners) is not there.
    r"""
CREATE FUNCTION search_exact_words(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT regexp_replace(
        translate(regexp_replace($1, '</?[a-zA-Z][^>]*>', ' ', 'g'),
                  U&'\2019\2018\02BC\00B4\0060\00AD\200B\200C\200D\2060\FEFF', ''''''''''''),
        '([a-zA-Z])[.](?=[a-zA-Z])|[-/_\u00A0-\u00A9\u00AB-\u00B1\u00B6-\u00B8\u00BB\u00BF\u00D7\u00F7\u2000-\u206F'
        '\u2122\u2190-\u23FF\u2500-\u27BF\u2E00-\u2E7F\u3000-\u303F\u2212\uFE63\uFF01-\uFF0F\uFF1A-\uFF20]',
        '\1 ', 'g')
$$
""",
    # The lexeme '|' is in no query: it keeps the end of one field and the beginning of the next from being a phrase.
    # So does the distance that jsonb_to_tsvector puts between two texts.
    """
CREATE FUNCTION search_exact_text_of(title text, brand text, category text, attributes jsonb, description text)
RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT to_tsvector('simple', search_exact_words($1)) || '''|''\\:1'
        || to_tsvector('simple', search_exact_words(COALESCE($2, ''))) || '''|''\\:1'
        || to_tsvector('simple', search_exact_words(COALESCE($3, ''))) || '''|''\\:1'
        || jsonb_to_tsvector('simple', (
               SELECT COALESCE(jsonb_agg(search_exact_words(each #>> '{}')), '[]')
               FROM jsonb_path_query($4, 'strict $.** ? (@.type() == "string")') AS each), '["string"]') || '''|''\\:1'
        || to_tsvector('simple', search_exact_words(left($5, 20000)))
$$
""",
    """
CREATE OR REPLACE FUNCTION product_search_put(skus text[]) RETURNS void LANGUAGE plpgsql AS $$
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
    INSERT INTO product_words (sku, title_key, title_words, search_text, exact_text)
    SELECT p.sku, search_title_key(p.title), length(to_tsvector(words_of, p.title)),
           search_text_of(words_of, p.title, p.brand, p.category, p.attributes, p.description),
           search_exact_text_of(p.title, p.brand, p.category, p.attributes, p.description)
    FROM product AS p
    WHERE p.sku = ANY (skus) AND p.status = 'live'
    ON CONFLICT (sku) DO UPDATE
    SET title_key = excluded.title_key, title_words = excluded.title_words, search_text = excluded.search_text,
        exact_text = excluded.exact_text;
END
$$
""",
)

# A hosted database may allow a statement less time than all products take.
WORDS = (
    "SET LOCAL statement_timeout = 0",
    "LOCK TABLE product, product_search, product_words IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE product_words ADD COLUMN exact_text tsvector",
    """
UPDATE product_words AS w
SET exact_text = search_exact_text_of(p.title, p.brand, p.category, p.attributes, p.description)
FROM product AS p WHERE p.sku = w.sku
""",
    "ALTER TABLE product_words ALTER COLUMN exact_text SET NOT NULL",
    "CREATE INDEX product_words_exact_text ON product_words USING gin (exact_text) WITH (gin_pending_list_limit = 512)",
    "COMMENT ON COLUMN product_words.exact_text IS 'All words as they are written, with their places, for phrases.'",
)


def upgrade() -> None:
    for statement in (*FUNCTIONS, *WORDS):
        op.execute(statement)
