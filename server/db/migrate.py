"""Schema upgrades with Alembic, under an advisory lock and with timeouts, so that a running shop is not stopped."""

import logging
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from server.db.engine import Database, check_versions, translated_errors
from server.resources import MIGRATIONS

log = logging.getLogger(__name__)

# Any number that nothing else in the database takes as an advisory lock.
UPGRADE_LOCK = 7_346_110_251


@dataclass(frozen=True)
class MigrationStatus:
    """Revision of the database (None: empty) and the newest one that this code knows."""

    current: str | None
    newest: str

    @property
    def is_current(self) -> bool:
        return self.current == self.newest


def _config(connection: sqlalchemy.Connection | None = None, dimension: int | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["dimension"] = dimension
    return config


def status(database: Database) -> MigrationStatus:
    """Where the schema stands."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with translated_errors(), database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return MigrationStatus(current, str(newest))


def upgrade(database: Database, dimension: int) -> MigrationStatus:
    """Bring the schema to the newest revision; `dimension` is that of the embedding column, where it is made.

    Safe to call from several processes at once: one does the work, the others wait and find it done.
    """
    with database.connection() as raw:
        check_versions(raw)
    with translated_errors(), database.engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_LOCK})
        connection.commit()
        try:
            command.upgrade(_config(connection, dimension), "head")
        finally:
            connection.rollback()
            connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:key)"), {"key": UPGRADE_LOCK})
            connection.commit()
    _forget_connections(database)
    return status(database)


def _forget_connections(database: Database) -> None:
    """Connections opened before the extension existed do not know its types: open new ones."""
    stale: Any = database.__dict__.pop("pool", None)
    if stale is not None:
        stale.close()
    database.engine.dispose()
