"""Room for the vectors of a second model: one that is on its way in, or the one that was left.

`embedding` is always the active model's. `embedding_other` and its three companions hold another model's: a candidate
whose vectors are being made, or the previous model, kept for a way back. A switch renames the columns, which takes
milliseconds, so searches go on; server/activation does it. As in 0001, STORAGE PLAIN is said by ALTER COLUMN, for
Postgres 15.

The trigger keeps the other vectors true, whoever writes: a row whose picture or embedded title changes loses its other
vector and is a gap to fill. `activation` tells who watches how far an activation is, and afterwards how long it took.
"""

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"

# server/activation/activation.sql makes these columns anew for a model of another dimension: keep the two in step; a
# test compares them.
COLUMNS = """
ALTER TABLE product
    ADD COLUMN embedding_other halfvec({dimension}),
    ADD COLUMN embedding_other_model integer
        CONSTRAINT product_embedding_other_model_fkey REFERENCES embedding_model (id),
    ADD COLUMN embedding_other_source text,
    ADD COLUMN embedded_other_text text,
    ADD CONSTRAINT product_embedding_other_source_check CHECK (embedding_other_source IN ('image', 'text')) NOT VALID,
    ADD CONSTRAINT product_embedding_other_is_whole
        CHECK (num_nulls(embedding_other, embedding_other_model, embedding_other_source) IN (0, 3)) NOT VALID,
    ADD CONSTRAINT product_image_embedding_other_has_image
        CHECK (embedding_other_source <> 'image' OR image_sha256 IS NOT NULL) NOT VALID,
    ADD CONSTRAINT product_embedded_other_text_is_for_text
        CHECK ((embedding_other_source = 'text') = (embedded_other_text IS NOT NULL)) NOT VALID
"""

# By name, not in a WHEN clause: the columns that are called so change with every switch.
FUNCTION = """
CREATE FUNCTION product_forget_other_embedding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.embedding_other_source = 'image' AND NEW.image_sha256 IS DISTINCT FROM OLD.image_sha256
       OR NEW.embedding_other_source = 'text' AND (NEW.embedded_other_text IS DISTINCT FROM NEW.title
                                                   OR NEW.image_sha256 IS DISTINCT FROM OLD.image_sha256)
    THEN
        NEW.embedding_other := NULL;
        NEW.embedding_other_model := NULL;
        NEW.embedding_other_source := NULL;
        NEW.embedded_other_text := NULL;
    END IF;
    RETURN NEW;
END
$$
"""

TRIGGER = """
CREATE TRIGGER product_forget_other_embedding BEFORE UPDATE ON product FOR EACH ROW
WHEN (OLD.image_sha256 IS DISTINCT FROM NEW.image_sha256 OR OLD.title IS DISTINCT FROM NEW.title)
EXECUTE FUNCTION product_forget_other_embedding()
"""

ACTIVATION = """
CREATE TABLE activation (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model          integer NOT NULL REFERENCES embedding_model (id),
    phase          text NOT NULL DEFAULT 'fill' CHECK (phase IN ('fill', 'index', 'switch', 'done', 'left')),
    total          bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    filled         bigint NOT NULL DEFAULT 0 CHECK (filled >= 0),
    per_second     real,
    fill_seconds   real NOT NULL DEFAULT 0,
    index_seconds  real NOT NULL DEFAULT 0,
    started_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
)
"""

STATEMENTS = (
    FUNCTION,
    TRIGGER,
    ACTIVATION,
    # At most one is under way.
    "CREATE UNIQUE INDEX activation_one_under_way ON activation ((true)) WHERE phase NOT IN ('done', 'left')",
    # Whether products lack a vector, and which: small, as hardly any do.
    "CREATE INDEX product_embedding_gap ON product (sku) WHERE embedding IS NULL",
    "ALTER TABLE embedding_model DROP CONSTRAINT embedding_model_state_check",
    "ALTER TABLE embedding_model ADD CONSTRAINT embedding_model_state_check "
    "CHECK (state IN ('candidate', 'active', 'previous', 'retired'))",
)

COMMENTS = {
    "COLUMN product.embedding_other": "Unit vector by another model: one on its way in, or the previous one. Never "
    "compare it with `embedding`.",
    "COLUMN product.embedding_other_source": "image: made from the picture. text: made from embedded_other_text.",
    "COLUMN product.embedded_other_text": "The words that the other text embedding was made from.",
    "TABLE embedding_model": "Models that made embeddings. active: those in product.embedding. candidate, previous: "
    "those in product.embedding_other. retired: none are left.",
    "TABLE activation": "Changes of the active model, the one under way included. left: given up.",
}


def upgrade() -> None:
    found = op.get_bind().execute(
        text("SELECT atttypmod FROM pg_attribute WHERE attrelid = 'product'::regclass AND attname = 'embedding'")
    )
    op.execute(COLUMNS.format(dimension=int(found.scalar_one())))
    op.execute("ALTER TABLE product ALTER COLUMN embedding_other SET STORAGE PLAIN")
    for statement in STATEMENTS:
        op.execute(statement)
    for target, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {target} IS '{comment}'")
