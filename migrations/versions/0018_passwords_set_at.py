"""When a password was set: a one-time one opens nothing after a week, if it lies in somebody's mail until then.

Those that there are count from the upgrade on.
"""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("ALTER TABLE staff ADD COLUMN password_set_at timestamptz NOT NULL DEFAULT now()")
    op.execute("COMMENT ON COLUMN staff.password_set_at IS 'Since when the password is this one.'")
