"""The history of a product holds its list of pictures: which ones, in what order, and what each one shows.

Under `pictures`, beside the columns: [{"sha256", "place", "alt"}], the one that the product is found by at place 0.
It is written where the list differs at the end of a statement from what it was before the change, whichever of the two
tables it differs by.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

KEPT = (
    "title", "description", "brand", "category", "price", "sale_price", "currency", "stock", "attributes", "status",
    "item_group", "image_sha256",
)  # fmt: skip


def told(row: str) -> str:
    """A row without its vectors."""
    return "jsonb_build_object(" + ", ".join(f"'{name}', {row}.{name}" for name in KEPT) + ")"


def with_pictures(row: str) -> str:
    """The same with the list of pictures, where the first one of them is another by this statement."""
    return (
        f"{told(row)} || CASE WHEN o.image_sha256 IS DISTINCT FROM n.image_sha256 "
        f"THEN jsonb_build_object('pictures', product_pictures({row}.sku, {row}.image_sha256)) ELSE '{{}}' END"
    )


STATEMENTS = (
    """
CREATE FUNCTION product_pictures(of_sku text, first_sha256 text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT COALESCE(jsonb_agg(jsonb_build_object('sha256', s.sha256, 'place', s.place, 'alt', s.alt) ORDER BY s.place),
                    '[]')
    FROM (SELECT first_sha256 AS sha256, 0 AS place,
                 COALESCE((SELECT g.alt FROM product_picture AS g WHERE g.sku = of_sku AND g.sha256 = first_sha256),
                          '') AS alt
          WHERE first_sha256 IS NOT NULL
          UNION ALL
          SELECT g.sha256, row_number() OVER (ORDER BY g.place, g.sha256), g.alt
          FROM product_picture AS g
          WHERE g.sku = of_sku AND g.place > 0 AND g.sha256 IS DISTINCT FROM first_sha256) AS s
$$
""",
    "COMMENT ON FUNCTION product_pictures(text, text) IS 'All pictures of a product, as its history holds them, with "
    "the first one given.'",
    # As in 0012, but for the pictures.
    f"""
CREATE OR REPLACE FUNCTION product_write_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change_id bigint := NULLIF(current_setting('vitrine.change', true), '')::bigint;
BEGIN
    IF change_id IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO product_history (change, sku, before, after)
        SELECT change_id, n.sku, NULL, {told("n")} FROM new_rows AS n
        ON CONFLICT (change, sku) DO UPDATE SET after = excluded.after;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO product_history (change, sku, before, after)
        SELECT change_id, o.sku, {told("o")}, NULL FROM old_rows AS o
        ON CONFLICT (change, sku) DO UPDATE SET after = NULL;
    ELSE
        INSERT INTO product_history AS h (change, sku, before, after)
        SELECT change_id, told.sku, jsonb_differing(told.before, told.after), jsonb_differing(told.after, told.before)
        FROM (SELECT n.sku, {with_pictures("o")} AS before, {with_pictures("n")} AS after
              FROM new_rows AS n JOIN old_rows AS o USING (sku)) AS told
        WHERE told.before <> told.after
        ON CONFLICT (change, sku) DO UPDATE
        SET before = excluded.before || h.before, after = h.after || excluded.after;
    END IF;
    RETURN NULL;
END
$$
""",  # noqa: S608  (names of columns, and they stand above)
    # Before the first row of a product that a statement touches, its list is still what it was. A product that is made
    # by the change has nothing before it, and one that is deleted or renamed takes its pictures with it.
    """
CREATE FUNCTION product_picture_note_before() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change_id bigint := NULLIF(current_setting('vitrine.change', true), '')::bigint;
    touched text := CASE WHEN TG_OP = 'INSERT' THEN NEW.sku ELSE OLD.sku END;
BEGIN
    IF change_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM product_history AS h
        WHERE h.change = change_id AND h.sku = touched AND (h.before IS NULL OR h.before ? 'pictures')
    ) THEN
        INSERT INTO product_history AS h (change, sku, before, after)
        SELECT change_id, p.sku, told.pictures, told.pictures
        FROM product AS p, jsonb_build_object('pictures', product_pictures(p.sku, p.image_sha256)) AS told (pictures)
        WHERE p.sku = touched
        ON CONFLICT (change, sku) DO UPDATE SET before = h.before || excluded.before, after = h.after || excluded.after;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$
""",
    # A list that came out as it was is no change.
    """
CREATE FUNCTION product_picture_write_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change_id bigint := NULLIF(current_setting('vitrine.change', true), '')::bigint;
BEGIN
    IF change_id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE product_history AS h
    SET after = h.after || jsonb_build_object('pictures', product_pictures(p.sku, p.image_sha256))
    FROM product AS p
    WHERE h.change = change_id AND h.sku IN (SELECT t.sku FROM touched AS t) AND p.sku = h.sku
      AND h.before ? 'pictures';
    UPDATE product_history AS h SET before = h.before - 'pictures', after = h.after - 'pictures'
    WHERE h.change = change_id AND h.sku IN (SELECT t.sku FROM touched AS t)
      AND h.before -> 'pictures' = h.after -> 'pictures';
    DELETE FROM product_history AS h
    WHERE h.change = change_id AND h.sku IN (SELECT t.sku FROM touched AS t) AND h.before = '{}' AND h.after = '{}';
    RETURN NULL;
END
$$
""",
    "CREATE TRIGGER product_picture_note_before BEFORE INSERT OR UPDATE OR DELETE ON product_picture "
    "FOR EACH ROW EXECUTE FUNCTION product_picture_note_before()",
    "CREATE TRIGGER product_picture_history_insert AFTER INSERT ON product_picture REFERENCING NEW TABLE AS touched "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_picture_write_history()",
    "CREATE TRIGGER product_picture_history_update AFTER UPDATE ON product_picture REFERENCING NEW TABLE AS touched "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_picture_write_history()",
    "CREATE TRIGGER product_picture_history_delete AFTER DELETE ON product_picture REFERENCING OLD TABLE AS touched "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_picture_write_history()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement.replace(":", "\\:"))
