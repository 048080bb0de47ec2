"""Further pictures of a product have vectors of their own, for searches in all of them.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"

STATEMENTS = (
    # The first picture's vector stands in `product`. A row is of one model, and that of one on its way in stands beside
    # the active one's; each model has an index of its own, since their vectors differ in length.
    """
CREATE TABLE picture_embedding (
    sku        text COLLATE "C" NOT NULL,
    sha256     text COLLATE "C" NOT NULL,
    model      integer NOT NULL REFERENCES embedding_model (id),
    embedding  halfvec NOT NULL,
    PRIMARY KEY (sku, sha256, model),
    FOREIGN KEY (sku, sha256) REFERENCES product_picture (sku, sha256) ON UPDATE CASCADE ON DELETE CASCADE
)
""",
    "ALTER TABLE picture_embedding ALTER COLUMN embedding SET STORAGE PLAIN",
    "COMMENT ON TABLE picture_embedding IS 'Vectors of the pictures of a product beside its first one, by model.'",
    # What a search in all pictures does not find yet.
    """
CREATE FUNCTION picture_gaps() RETURNS TABLE (sku text, sha256 text) LANGUAGE sql STABLE AS $$
    SELECT g.sku, g.sha256
    FROM product_picture AS g
    JOIN product AS p ON p.sku = g.sku
    JOIN embedding_model AS m ON m.state = 'active'
    WHERE g.place > 0 AND g.sha256 IS DISTINCT FROM p.image_sha256
      AND NOT EXISTS (SELECT FROM picture_embedding AS e
                      WHERE e.sku = g.sku AND e.sha256 = g.sha256 AND e.model = m.id)
$$
""",
    "COMMENT ON FUNCTION picture_gaps() IS 'Further pictures of products without a vector of the active model.'",
    # The worker hears of gaps on this channel; see product_tell_gaps.
    """
CREATE FUNCTION product_picture_tell_gaps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows WHERE place > 0) THEN
        NOTIFY vitrine_further_pictures;
    END IF;
    RETURN NULL;
END
$$
""",
    "CREATE TRIGGER product_picture_tell_gaps_insert AFTER INSERT ON product_picture REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_picture_tell_gaps()",
    "CREATE TRIGGER product_picture_tell_gaps_update AFTER UPDATE ON product_picture REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_picture_tell_gaps()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
