"""Which pictures have their thumbnails: a worker makes those that are missing, whoever stored the picture.

A column beside the picture and not a look at the disk: an import of 100,000 pictures tells of new ones every second,
and each time the worker finds the few that it has not been at by an index that holds no others. As with products
without a vector, a trigger tells on a channel, so nobody who writes waits or locks a row of the queue.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

STATEMENTS = (
    "ALTER TABLE image ADD COLUMN thumbnails_at timestamptz, ADD COLUMN thumbnail_problem text",
    "COMMENT ON COLUMN image.thumbnails_at IS 'When a worker was at its thumbnails; NULL: they are still to be made.'",
    "COMMENT ON COLUMN image.thumbnail_problem IS 'Why none could be made of it, in words for people; else NULL.'",
    "CREATE INDEX image_without_thumbnails ON image (sha256) WHERE thumbnails_at IS NULL",
    """
CREATE FUNCTION image_tell_pictures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows WHERE thumbnails_at IS NULL) THEN
        NOTIFY vitrine_pictures;
    END IF;
    RETURN NULL;
END
$$
""",
    "CREATE TRIGGER image_tell_pictures_insert AFTER INSERT ON image REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION image_tell_pictures()",
    "CREATE TRIGGER image_tell_pictures_update AFTER UPDATE ON image REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION image_tell_pictures()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement.replace(":", "\\:"))
