"""Empty databases beside the migrated one, on the same server, for tests of the schema itself."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from server.db import migrate
from server.db.engine import Database

_numbers = itertools.count(1)


@contextmanager
def fresh_database(migrated: Database) -> Iterator[Database]:
    """An empty database on the server of `migrated`, dropped afterwards."""
    name = f"fresh_{next(_numbers)}"
    _run_alone(migrated, f"CREATE DATABASE {name}")
    database = Database(migrated.url.replace("@/vitrine?", f"@/{name}?"), pool_size=2)
    try:
        yield database
    finally:
        database.close()
        _run_alone(migrated, f"DROP DATABASE {name} WITH (FORCE)")


def _run_alone(database: Database, statement: str) -> None:
    """Run a statement that refuses to stand in a transaction."""
    with database.connection() as connection:
        connection.autocommit = True
        try:
            connection.execute(statement)
        finally:
            connection.autocommit = False


def upgrade_to(database: Database, revision: str, dimension: int = 8) -> migrate.MigrationStatus:
    """Bring an empty database to an older revision than the newest one."""
    to = migrate.command.upgrade
    with patch.object(migrate.command, "upgrade", lambda config, _: to(config, revision)):
        return migrate.upgrade(database, dimension)
