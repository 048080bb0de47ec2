"""Who may look after the shop: accounts, failed logins, and who changed what.

A password is kept as an Argon2 hash alone. `session_key` stands in the session's cookie beside the account's number: a
new one ends every session of the account at once.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    """
CREATE TABLE staff (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$'),
    role           text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    password_hash  text NOT NULL,
    session_key    text NOT NULL,
    disabled       boolean NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL DEFAULT now(),
    last_login_at  timestamptz
)
""",
    # Each try to log in is one of these until it succeeds.
    """
CREATE TABLE login_try (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    name     text COLLATE "C" NOT NULL,
    address  text COLLATE "C" NOT NULL
)
""",
    "CREATE INDEX login_try_at ON login_try (at)",
    """
CREATE TABLE audit_entry (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL,
    action   text NOT NULL,
    subject  text NOT NULL,
    before   jsonb,
    after    jsonb
)
""",
    "CREATE INDEX audit_entry_subject ON audit_entry (subject, at)",
    "COMMENT ON TABLE staff IS 'Accounts of those who look after the shop.'",
    "COMMENT ON TABLE login_try IS 'Logins that failed, of the last hour.'",
    "COMMENT ON TABLE audit_entry IS 'Who changed what, with what was there before and after.'",
    "COMMENT ON COLUMN audit_entry.actor IS 'Name of the account; \"command line\" where it was that.'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement.replace(":", "\\:"))
