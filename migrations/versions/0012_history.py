"""Who changed which product how: what staff and programs change is written down, before and after, and can be undone.

A trigger writes it, so that no way of changing a product can forget to; but only where the transaction says who acts
(`set_config('vitrine.actor', ..., true)`): a catalogue of 200,000 rows that is imported or loaded by COPY has its own
record, and would write 200,000 more. What is kept is what differs, without vectors.

Deleted products go into the trash first, a status like the others: no search shows it, and everything about the product
is still there.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

KEPT = (
    "title", "description", "brand", "category", "price", "sale_price", "currency", "stock", "attributes", "status",
    "item_group", "image_sha256",
)  # fmt: skip


def told(row: str) -> str:
    """A row without its vectors."""
    return "jsonb_build_object(" + ", ".join(f"'{name}', {row}.{name}" for name in KEPT) + ")"


STATEMENTS = (
    "ALTER TABLE product DROP CONSTRAINT product_status_check",
    "ALTER TABLE product ADD CONSTRAINT product_status_check CHECK (status IN ('live', 'draft', 'hidden', 'trash'))",
    "COMMENT ON COLUMN product.status IS 'live: in the shop. draft: not yet. hidden: no longer. trash: deleted, and "
    "taken away for good after a while.'",
    # More pictures of a product, and what each one shows. The one that the product is found by stands in the product
    # itself, and here at place 0 where something is said of it.
    """
CREATE TABLE product_picture (
    sku     text COLLATE "C" NOT NULL REFERENCES product (sku) ON UPDATE CASCADE ON DELETE CASCADE,
    sha256  text COLLATE "C" NOT NULL REFERENCES image (sha256),
    place   smallint NOT NULL CHECK (place >= 0),
    alt     text NOT NULL DEFAULT '' CHECK (length(alt) <= 300),
    PRIMARY KEY (sku, sha256)
)
""",
    "COMMENT ON TABLE product_picture IS 'Pictures beside the one that a product is found by, in their order, and what "
    "each shows.'",
    # One change of one or more products by somebody, which is undone as a whole.
    """
CREATE TABLE product_change (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    actor      text NOT NULL,
    action     text NOT NULL,
    undone_by  bigint REFERENCES product_change (id) ON DELETE SET NULL
)
""",
    "CREATE INDEX product_change_at ON product_change (at)",
    # A change that goes is looked for here.
    "CREATE INDEX product_change_undone_by ON product_change (undone_by) WHERE undone_by IS NOT NULL",
    # before: NULL of a product that is new; after: NULL of one that is gone.
    """
CREATE TABLE product_history (
    change  bigint NOT NULL REFERENCES product_change (id) ON DELETE CASCADE,
    sku     text COLLATE "C" NOT NULL,
    before  jsonb,
    after   jsonb,
    PRIMARY KEY (change, sku)
)
""",
    "CREATE INDEX product_history_sku ON product_history (sku, change)",
    "COMMENT ON TABLE product_change IS 'Changes of products by staff and programs; each is undone as a whole.'",
    "COMMENT ON TABLE product_history IS 'What a change did to each product: what differs, before and after.'",
    # The keys of `one` whose value differs in `other`.
    """
CREATE FUNCTION jsonb_differing(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(one) AS e
    WHERE e.value IS DISTINCT FROM other -> e.key
$$
""",
    # A product that is changed twice by one change has what was before the first and after the second.
    f"""
CREATE FUNCTION product_write_history() RETURNS trigger LANGUAGE plpgsql AS $$
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
        FROM (SELECT n.sku, {told("o")} AS before, {told("n")} AS after
              FROM new_rows AS n JOIN old_rows AS o USING (sku)) AS told
        WHERE told.before <> told.after
        ON CONFLICT (change, sku) DO UPDATE
        SET before = excluded.before || h.before, after = h.after || excluded.after;
    END IF;
    RETURN NULL;
END
$$
""",  # noqa: S608  (names of columns, and they stand above)
    "CREATE TRIGGER product_history_insert AFTER INSERT ON product REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_write_history()",
    "CREATE TRIGGER product_history_update AFTER UPDATE ON product "
    "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_write_history()",
    "CREATE TRIGGER product_history_delete AFTER DELETE ON product REFERENCING OLD TABLE AS old_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_write_history()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement.replace(":", "\\:"))
