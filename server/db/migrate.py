"""Schema upgrades with Alembic, under an advisory lock and with timeouts, so that a running shop is not stopped."""

import logging
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from server.db.engine import Database, check_versions, translated_errors
from server.db.job_tables import bring_up_to_date, is_up_to_date
from server.errors import Conflict
from server.resources import MIGRATIONS

log = logging.getLogger(__name__)

# Any number that nothing else in the database takes as an advisory lock.
UPGRADE_LOCK = 7_346_110_251
# An upgrade may wait long for another one; so often it looks at who it is that it waits for.
TURN_MS = 3_000
HOLDER = """
SELECT a.usename, a.pid FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND a.datname = current_database()
  AND (l.classid::bigint << 32 | l.objid::bigint) = :key AND a.usename <> current_user
"""


@dataclass(frozen=True)
class MigrationStatus:
    """Revision of the database (None: empty) and the newest one that this code knows.

    has_job_tables: those of the installed procrastinate.
    """

    current: str | None
    newest: str
    has_job_tables: bool = True

    @property
    def is_current(self) -> bool:
        return self.current == self.newest and self.has_job_tables


def _config(connection: sqlalchemy.Connection | None = None, dimension: int | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["dimension"] = dimension
    return config


def knows(revision: str) -> bool:
    """Whether this code can work with, or upgrade, a database at that revision."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def status(database: Database) -> MigrationStatus:
    """Where the schema stands."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with translated_errors(), database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        raw = connection.connection.driver_connection
        has_job_tables = isinstance(raw, psycopg.Connection) and is_up_to_date(raw)
    return MigrationStatus(current, str(newest), has_job_tables)


def upgrade(database: Database, dimension: int) -> MigrationStatus:
    """Bring the schema to the newest revision; `dimension` is that of the embedding column, where it is made.

    Safe to call from several processes at once: one does the work, the others wait and find it done.
    """
    with database.connection() as raw:
        check_versions(raw)
    with translated_errors(), database.engine.connect() as connection:
        _wait_for_turn(connection)
        try:
            command.upgrade(_config(connection, dimension), "head")
            _upgrade_job_tables(connection)
        finally:
            connection.rollback()
            connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:key)"), {"key": UPGRADE_LOCK})
            connection.commit()
    _forget_connections(database)
    return status(database)


def _wait_for_turn(connection: sqlalchemy.Connection) -> None:
    """Takes the lock of upgrades. Raises Conflict where somebody holds it who makes none."""
    while True:
        connection.execute(sqlalchemy.text(f"SET LOCAL lock_timeout = '{TURN_MS}ms'"))
        try:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_LOCK})
        except sqlalchemy.exc.OperationalError as exc:
            if not isinstance(exc.orig, psycopg.errors.LockNotAvailable):
                raise
            connection.rollback()
        else:
            connection.commit()
            return
        holder = connection.execute(sqlalchemy.text(HOLDER), {"key": UPGRADE_LOCK}).first()
        connection.rollback()
        if holder is not None:
            raise Conflict(
                f"The role {holder[0]} holds the lock of upgrades, and makes none: its session is {holder[1]}. "
                f"End it (SELECT pg_terminate_backend({holder[1]})), and run this again."
            )


def _upgrade_job_tables(connection: sqlalchemy.Connection) -> None:
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)  # noqa: S101  (the engine's driver)
    bring_up_to_date(raw)
    connection.commit()


def _forget_connections(database: Database) -> None:
    """Connections opened before the extension existed do not know its types: open new ones."""
    stale: Any = database.__dict__.pop("pool", None)
    if stale is not None:
        stale.close()
    database.engine.dispose()
