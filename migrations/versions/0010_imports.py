"""Imports that somebody began in the browser: what was sent, how far it is, and what came of it.

The file itself lies in the data directory, in a folder by the run's number. `report` holds the counts and the first
refusals; the error file has them all.
"""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    """
CREATE TABLE import_run (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    state        text NOT NULL DEFAULT 'uploading'
                 CHECK (state IN ('uploading', 'ready', 'waiting', 'running', 'done', 'failed', 'cancelled')),
    bytes        bigint NOT NULL CHECK (bytes >= 0),
    received     bigint NOT NULL DEFAULT 0,
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT now(),
    columns      jsonb NOT NULL DEFAULT '{}',
    dry_run      boolean NOT NULL DEFAULT false,
    whole        boolean NOT NULL DEFAULT false,
    report       jsonb NOT NULL DEFAULT '{}',
    problem      text,
    error_file   text,
    starts       integer NOT NULL DEFAULT 0,
    started_at   timestamptz,
    changed_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    cancelling   boolean NOT NULL DEFAULT false
)
""",
    "COMMENT ON TABLE import_run IS 'Catalogue files that were sent by a browser, and what came of them.'",
    "COMMENT ON COLUMN import_run.columns IS 'Column of the file -> field; null: an attribute; \"\": left out.'",
    "COMMENT ON COLUMN import_run.starts IS 'How often a worker began with it; more than once after one was killed.'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement.replace(":", "\\:"))
