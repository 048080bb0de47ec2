"""${message}

Say here why the schema changes, not what the statements do.
"""

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ...
