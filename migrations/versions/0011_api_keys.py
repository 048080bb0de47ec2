"""Keys for programs that call the API.

A key is shown once, when it is made; here lies its SHA-256 alone. It is 256 random bits, which nobody can try through,
so it needs no slow hash as a password does, and a request with a key costs one look at an index. People recognise a key
by its `beginning`. A revoked key stays: what the audit log names can be looked up, and who sends it is told.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    """
CREATE TABLE api_key (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$'),
    beginning     text COLLATE "C" NOT NULL,
    sha256        bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    scope         text NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    made_by       text NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    revoked_at    timestamptz
)
""",
    # A revoked key's name may be given again, to the key that takes its place.
    "CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE revoked_at IS NULL",
    "COMMENT ON TABLE api_key IS 'Keys for programs that call the API; of each its hash alone.'",
    "COMMENT ON COLUMN api_key.beginning IS 'The first characters, by which people recognise it.'",
    "COMMENT ON COLUMN api_key.last_used_at IS 'Written at most once a minute.'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement.replace(":", "\\:"))
