"""Query vectors that any process made before: a query is embedded once, by whichever server it comes to.

The text is not kept, only its SHA-256: what people type can be personal. The table may be emptied at any time.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    """
CREATE TABLE query_embedding (
    model      integer NOT NULL REFERENCES embedding_model (id) ON DELETE CASCADE,
    text_hash  bytea NOT NULL CHECK (length(text_hash) = 32),
    embedding  halfvec NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model, text_hash)
)
""",
    "CREATE INDEX query_embedding_made_at ON query_embedding (made_at)",
    "COMMENT ON TABLE query_embedding IS 'Vectors of texts that were searched for, by model. May be emptied.'",
    "COMMENT ON COLUMN query_embedding.text_hash IS 'sha256(convert_to(text, ''UTF8''))'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
