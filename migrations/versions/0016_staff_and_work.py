"""One-time passwords, and what was done behind the scenes within the last day.

Who makes an account for somebody else, or gives them another password, should not know it for long: such a password
opens the page where one is chosen, and nothing else.

A job that succeeds is deleted from the queue, so the queue cannot tell how much is done. `work_done` is added to and
never changed: one row that counts would be locked by all who work at the same time. A worker forgets rows after a day.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

STATEMENTS = (
    "ALTER TABLE staff ADD COLUMN one_time_password boolean NOT NULL DEFAULT false",
    "COMMENT ON COLUMN staff.one_time_password IS 'Somebody else made the password: it opens nothing but the page "
    "where another one is chosen.'",
    """
CREATE TABLE work_done (
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind    text NOT NULL CHECK (kind IN ('job', 'embedding')),
    number  integer NOT NULL CHECK (number > 0)
)
""",
    "CREATE INDEX work_done_at ON work_done (at) INCLUDE (kind, number)",
    "COMMENT ON TABLE work_done IS 'Jobs that succeeded and products that were embedded, of the last day.'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
