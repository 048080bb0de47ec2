"""Work that is done behind the scenes: the queue, why jobs failed, and the products that wait for their vector.

The queue's own tables are procrastinate's; server/db/job_tables.py makes them, now and when a newer version comes.

A product that was written without a vector, as by an INSERT in psql, is noticed by a trigger that says so on a channel:
no row is locked and nobody waits, and a worker that listens begins at once. The notice may be lost; the worker looks
once a minute as well.
"""

from alembic import op

from server.db.job_tables import bring_up_to_date

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    # One row.
    "CREATE TABLE job_tables (step text NOT NULL)",
    """
CREATE TABLE job_failure (
    job_id   bigint NOT NULL,
    attempt  integer NOT NULL,
    reason   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, attempt)
)
""",
    "COMMENT ON TABLE job_failure IS 'Why a try of a job failed, in words for people.'",
    # Live products that a search by look or words does not find as they are now, and why. The bodies are text, so that
    # they go on when a change of the model renames the columns.
    """
CREATE FUNCTION embedding_gaps() RETURNS TABLE (sku text, reason text) LANGUAGE sql STABLE AS $$
    SELECT p.sku, CASE WHEN p.embedding IS NULL THEN 'no vector' ELSE 'the title was changed' END
    FROM product AS p
    WHERE p.status = 'live'
      AND (p.embedding IS NULL
           OR (p.embedding_source = 'text' AND p.image_sha256 IS NULL AND p.embedded_text IS DISTINCT FROM p.title))
$$
""",
    """
CREATE FUNCTION embedding_coverage()
RETURNS TABLE (live bigint, covered bigint, without_vector bigint, outdated bigint) LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM product WHERE status = 'live'),
           (SELECT count(*) FROM product WHERE status = 'live') - count(*),
           count(*) FILTER (WHERE reason = 'no vector'), count(*) FILTER (WHERE reason <> 'no vector')
    FROM embedding_gaps()
$$
""",
    "COMMENT ON FUNCTION embedding_gaps() IS 'Live products without a vector of what they are now, and why.'",
    "COMMENT ON FUNCTION embedding_coverage() IS 'How many live products have a vector of what they are now.'",
    """
CREATE FUNCTION product_tell_gaps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows AS n
               WHERE n.status = 'live'
                 AND (n.embedding IS NULL
                      OR (n.embedding_source = 'text' AND n.image_sha256 IS NULL
                          AND n.embedded_text IS DISTINCT FROM n.title))) THEN
        NOTIFY vitrine_gaps;
    END IF;
    RETURN NULL;
END
$$
""",
    "CREATE TRIGGER product_tell_gaps_insert AFTER INSERT ON product REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_tell_gaps()",
    "CREATE TRIGGER product_tell_gaps_update AFTER UPDATE ON product REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION product_tell_gaps()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    # Many statements in one string, with signs that SQLAlchemy would take for parameters: so by the driver itself.
    bring_up_to_date(op.get_bind().connection.driver_connection)
