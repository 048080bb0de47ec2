"""Connections. Search speaks psycopg from a pool; plain reads and writes of one row use SQLAlchemy on the same URL."""

import json
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, cast
from weakref import WeakKeyDictionary

import orjson
import psycopg
import sqlalchemy
from pgvector.psycopg import register_vector
from psycopg import errors as pg_errors
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy.orm import Session

from server.db.embedded import EmbeddedPostgres
from server.errors import BadRequest, Conflict, DatabaseNotReady, DatabaseUnavailable, VitrineError
from server.settings import Settings

log = logging.getLogger(__name__)

OLDEST_POSTGRES = 15
OLDEST_PGVECTOR = (0, 8)
CONNECT_SECONDS = 10
# A whole number of fewer digits, its sign among them, fits into 64 bits.
LONGEST_WHOLE = 19
# What connections are called: those of commands, of web servers, and of workers, which rest while web servers are busy.
APPLICATION = "vitrine"
WEB = "vitrine web"
WORKER = "vitrine worker"


class Database:
    """One database and its connections. Nothing connects before the first use."""

    def __init__(
        self, url: str, pool_size: int = 8, embedded: EmbeddedPostgres | None = None, name: str = APPLICATION
    ) -> None:
        """name: what Postgres calls its connections."""
        self.url = url
        self.pool_size = pool_size
        self.embedded = embedded
        self.name = name

    @cached_property
    def pool(self) -> ConnectionPool[psycopg.Connection]:
        pool = ConnectionPool(
            self.url,
            min_size=1,
            max_size=self.pool_size,
            timeout=CONNECT_SECONDS,
            kwargs={"connect_timeout": CONNECT_SECONDS, "application_name": self.name},
            configure=_configure,
            check=_check_seldom,
            open=False,
        )
        pool.open()
        return pool

    @cached_property
    def engine(self) -> sqlalchemy.Engine:
        """SQLAlchemy's view of the same database."""

        def connect() -> psycopg.Connection:
            connection = psycopg.connect(self.url, connect_timeout=CONNECT_SECONDS, application_name=self.name)
            _configure(connection)
            return connection

        return sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=connect,
            pool_size=2,
            max_overflow=self.pool_size,
            pool_pre_ping=True,
            json_deserializer=read_json,
        )

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """A pooled connection in a transaction: committed at the end, rolled back on an exception.

        Driver errors come out as VitrineError.
        """
        with translated_errors(), self.pool.connection() as connection:
            yield connection

    @contextmanager
    def turns(self, patience: float | None = None) -> Iterator[psycopg.Connection]:
        """A pooled connection on which the caller says BEGIN and COMMIT, together with other statements.

        psycopg would send each alone and wait for its answer. What is open at the end is committed, rolled back on an
        exception. Driver errors come out as VitrineError.
        patience: seconds to wait for a connection; None: as long as the pool does.
        """
        with translated_errors(), self.pool.connection(patience) as connection:
            connection.autocommit = True
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                if connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
                    connection.autocommit = False
                else:
                    # The pool replaces it: nobody else is to get it as it is.
                    connection.close()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A SQLAlchemy session in a transaction, with the same rules as `connection()`."""
        with translated_errors(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @staticmethod
    def configure(connection: psycopg.Connection) -> None:
        """Make a connection of one's own like those of the pool."""
        _configure(connection)

    def refresh_statistics(self) -> None:
        """After many changes: tell the planner what `product` holds, and note which pages all may see.

        Counting what a filter leaves then stays in the index. Autovacuum would do it a minute later. Dead rows are
        left to it: taking them out of the HNSW index is slow.
        """
        with translated_errors(), psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET statement_timeout = 0")
            connection.execute("VACUUM (ANALYZE, INDEX_CLEANUP OFF) product")
            connection.execute("VACUUM (ANALYZE) product_search, product_words, product_picture, picture_embedding")

    def close(self) -> None:
        """Close the connections, and let go of the embedded server."""
        if "pool" in self.__dict__:
            self.pool.close()
        if "engine" in self.__dict__:
            self.engine.dispose()
        if self.embedded is not None:
            self.embedded.release()


def open_database(settings: Settings, name: str = APPLICATION) -> Database:
    """The database that the settings name; the embedded one is started if it does not run."""
    if settings.database_url is not None:
        return Database(settings.database_url.get_secret_value(), settings.pool_size, name=name)
    embedded = EmbeddedPostgres(settings.data_dir, settings.sql_port)
    embedded.start()
    return Database(embedded.url(), settings.pool_size, embedded, name)


def check_versions(connection: psycopg.Connection) -> None:
    """Refuse a server or a pgvector that is too old, with a sentence that says what to install."""
    if connection.info.server_version // 10_000 < OLDEST_POSTGRES:
        found = connection.info.server_version // 10_000
        raise DatabaseNotReady(
            f"This is PostgreSQL {found}; Vitrine needs {OLDEST_POSTGRES} or newer. Upgrade the server, or unset "
            "DATABASE_URL to use the embedded one."
        )
    row = connection.execute(
        "SELECT installed_version, default_version FROM pg_available_extensions WHERE name = 'vector'"
    ).fetchone()
    advice = (
        "Install pgvector 0.8 or newer on the server (package postgresql-NN-pgvector, or the image pgvector/pgvector)"
    )
    if row is None:
        raise DatabaseNotReady(f"The server has no pgvector extension. {advice}.")
    installed, available = row
    version = installed or available
    if _version_numbers(version) < OLDEST_PGVECTOR:
        upgrade = "; then run ALTER EXTENSION vector UPDATE" if installed else ""
        raise DatabaseNotReady(f"The server has pgvector {version}; Vitrine needs 0.8 or newer. {advice}{upgrade}.")


def _version_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


# A connection that answered so lately is taken to be alive.
TRUSTED_SECONDS = 0.5
_answered: WeakKeyDictionary[psycopg.Connection, float] = WeakKeyDictionary()


def _check_seldom(connection: psycopg.Connection) -> None:
    """A connection that died with the server is replaced before anyone gets it. Asking takes a round trip, and a busy
    server's connections are asked for a hundred times a second."""
    now = time.monotonic()
    if now - _answered.get(connection, float("-inf")) > TRUSTED_SECONDS:
        ConnectionPool.check_connection(connection)
        _answered[connection] = now


def _configure(connection: psycopg.Connection) -> None:
    """Teach a new connection pgvector's types, where the extension is there already.

    Whatever a server's default is, a statement sees what was committed before it: writers lock rows, and then ask which
    model they are to be embedded by.
    """
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    set_json_loads(read_json, connection)
    try:
        register_vector(connection)
    except psycopg.ProgrammingError:
        log.debug("The extension vector is not installed yet; its types are not registered.")
    connection.rollback()


def read_json(text: str | bytes) -> Any:
    """What a jsonb column holds, as it can be written down again.

    jsonb spells 1e30 out, in digits that Python would take for a whole number and that no writer of JSON takes back: it
    is a float again. What is larger than any float is its digits, as text.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text, parse_int=_read_whole, parse_float=_read_number)


def _read_whole(digits: str) -> int | float | str:
    return int(digits) if len(digits) < LONGEST_WHOLE else _read_number(digits)


def _read_number(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


@contextmanager
def translated_errors() -> Iterator[None]:
    """The one place where driver errors become ours. Their text goes to the log, never to the user."""
    try:
        yield
    except VitrineError:
        raise
    except sqlalchemy.exc.DBAPIError as exc:
        raise _translate(cast(psycopg.Error, exc.orig)) from exc
    except (psycopg.Error, PoolTimeout) as exc:
        raise _translate(exc) from exc


def _translate(exc: Exception) -> VitrineError:
    log.warning("Database error: %s", exc)
    if isinstance(exc, pg_errors.UndefinedTable | pg_errors.UndefinedColumn | pg_errors.UndefinedObject):
        return DatabaseNotReady()
    if isinstance(exc, pg_errors.UniqueViolation):
        return Conflict("Another row with this key exists already.")
    if isinstance(exc, psycopg.IntegrityError):
        constraint = getattr(exc.diag, "constraint_name", None) or getattr(exc.diag, "column_name", None)
        return BadRequest(f"A value is not allowed here ({constraint}).")
    if isinstance(exc, pg_errors.InsufficientPrivilege):
        return DatabaseNotReady(
            "The role that Vitrine connects as may not do this in the database. Connect as the role that owns "
            "Vitrine's tables, or have an administrator grant that role to it."
        )
    if isinstance(exc, pg_errors.QueryCanceled):
        return DatabaseUnavailable(
            "The database stopped a statement that took longer than statement_timeout allows, or that somebody "
            "cancelled. Try again, or allow the role that Vitrine connects as more time."
        )
    if isinstance(exc, pg_errors.DeadlockDetected | pg_errors.SerializationFailure):
        return Conflict("Somebody else is changing the same at this moment. Try again.")
    if isinstance(exc, pg_errors.ReadOnlySqlTransaction):
        return DatabaseUnavailable("The database takes no changes now: it is a standby, or set to read only.")
    if isinstance(exc, pg_errors.DiskFull):
        return DatabaseUnavailable("The disk of the database is full. Make room, and try again.")
    if isinstance(exc, psycopg.DataError):
        return BadRequest("A value cannot be stored: it is too large, or holds a character that text may not have.")
    return DatabaseUnavailable()
