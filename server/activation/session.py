"""The session that does the work, and its locks: one activation at a time, and no search queues behind it for long."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg import errors as pg_errors

from server.db.engine import CONNECT_SECONDS, Database, translated_errors
from server.db.named_sql import load
from server.errors import Conflict

SQL = load(__file__, "activation.sql")

# Any number that nothing else in the database takes as an advisory lock; server/db/migrate.py has the one before it.
ACTIVATION_LOCK = 7_346_110_252
# How long one try for the table's lock may hold up the searches that queue behind it, in milliseconds.
LOCK_TIMEOUT_MS = 100
TRIES_IN_A_ROW = 20
# After so long without the lock somebody has to look at who holds it.
GIVE_UP_SECONDS = 600.0
# A killed process' session ends within this, also in the middle of an index.
NOTICE_SECONDS = 1
TAKE_OVER_SECONDS = 10.0

T = TypeVar("T")


@contextmanager
def activation_session(database: Database) -> Iterator[psycopg.Connection]:
    """A connection of its own, without a transaction, that nobody else has at the same time. Raises Conflict.

    All work is done on it: where it is lost, the lock and the work are lost together.
    """
    with (
        translated_errors(),
        psycopg.connect(
            database.url, connect_timeout=CONNECT_SECONDS, application_name="vitrine activate", autocommit=True
        ) as connection,
    ):
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        register_vector(connection)
        # Not every system can do this; there, a killed run's index build goes on to its end.
        with suppress(psycopg.DataError, psycopg.OperationalError):
            connection.execute(f"SET client_connection_check_interval = '{NOTICE_SECONDS}s'")
        deadline = time.monotonic() + TAKE_OVER_SECONDS
        while not _try_lock(connection):
            if time.monotonic() > deadline:
                raise Conflict("Another activation is under way. Watch it with `vitrine models activate --status`.")
            time.sleep(0.25)
        yield connection


def _try_lock(connection: psycopg.Connection) -> bool:
    row = connection.execute(SQL["try_lock"], {"key": ACTIVATION_LOCK}).fetchone()
    return bool(row and row[0])


def run_locked(connection: psycopg.Connection, work: Callable[[], T], before: Callable[[], None] | None = None) -> T:
    """Run `work` in a transaction in which nobody else reads or writes `product`; tried until the lock is there.

    Searches queue behind a waiting lock, so each try is short. `before` runs when writers are kept out already, and
    searches are not. Raises Conflict where others hold the table for too long.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        try:
            with connection.transaction():
                # Waiting for these two holds up no search. The first makes an automatic vacuum step aside, which would
                # else sit through all the short tries. The second is EXCLUSIVE and not SHARE ROW EXCLUSIVE, because a
                # writer locks rows first (ROW SHARE) and then writes: it would wait for us, holding what we wait for.
                connection.execute("SET LOCAL lock_timeout = '60s'")
                connection.execute("LOCK TABLE product IN SHARE UPDATE EXCLUSIVE MODE")
                if before is not None:
                    connection.execute("SET LOCAL lock_timeout = '5s'")
                    connection.execute("LOCK TABLE product IN EXCLUSIVE MODE")
                    before()
                _lock_out_searches(connection)
                return work()
        except (pg_errors.LockNotAvailable, pg_errors.DeadlockDetected) as exc:
            if time.monotonic() > deadline:
                raise Conflict(
                    "Somebody holds the table product for too long (a report, or a forgotten transaction). End that, "
                    "and run the same command again: it goes on where it stopped."
                ) from exc
            time.sleep(random.uniform(0.1, 0.5))  # noqa: S311  (not a secret)


def _lock_out_searches(connection: psycopg.Connection) -> None:
    """Raises LockNotAvailable where other transactions do not let go of the table."""
    for attempt in range(TRIES_IN_A_ROW):
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'")
                connection.execute("LOCK TABLE product IN ACCESS EXCLUSIVE MODE")
            return
        except pg_errors.LockNotAvailable:
            if attempt == TRIES_IN_A_ROW - 1:
                raise
            time.sleep(random.uniform(0.02, 0.2))  # noqa: S311
