"""The session that does the work, and its locks: one activation at a time, and no search queues behind it for long."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg import errors as pg_errors

from server.db.engine import CONNECT_SECONDS, Database, translated_errors
from server.db.named_sql import load
from server.errors import Conflict, DatabaseUnavailable

SQL = load(__file__, "activation.sql")

# Any number that nothing else in the database takes as an advisory lock; server/db/migrate.py has the one before it.
ACTIVATION_LOCK = 7_346_110_252
LOCK_KEYS = {"high": ACTIVATION_LOCK >> 32, "low": ACTIVATION_LOCK & 0xFFFF_FFFF}
APPLICATION = "vitrine activate"
# How long one try for the table's lock may hold up the searches that queue behind it, in milliseconds.
LOCK_TIMEOUT_MS = 100
TRIES_IN_A_ROW = 20
# After so long without the lock somebody has to look at who holds it.
GIVE_UP_SECONDS = 600.0
# So soon the session ends when its work is to stop.
STOP_SECONDS = 0.5
# A killed process' session ends within this, also in the middle of an index.
NOTICE_SECONDS = 1
TAKE_OVER_SECONDS = 10.0
# What a server or a role sets against forgotten sessions would end this one in the middle of an index, or while it
# embeds a batch. transaction_timeout came with Postgres 17.
NO_LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout")
NO_LIMITS_17 = (*NO_LIMITS, "transaction_timeout")
GOES_ON = "What was done is kept: run the same command again, and it goes on where it stopped."

T = TypeVar("T")


@dataclass
class Waits:
    """The longest that a search was kept from the table, in seconds: from a try for its lock to the lock's end."""

    longest: float = 0.0
    began: float | None = None

    def begin(self) -> None:
        self.began = time.perf_counter()

    def end(self) -> None:
        if self.began is not None:
            self.longest = max(self.longest, time.perf_counter() - self.began)
        self.began = None


@contextmanager
def activation_session(
    database: Database, say: Callable[[str], None] = lambda sentence: None
) -> Iterator[psycopg.Connection]:
    """A connection of its own, without a transaction, that nobody else has at the same time. Raises Conflict.

    All work is done on it: where it is lost, the lock and the work are lost together, and DatabaseUnavailable says how
    to go on. say(sentence) is called where another activation has the lock, before it is waited for.
    """
    with (
        translated_errors(),
        psycopg.connect(
            database.url, connect_timeout=CONNECT_SECONDS, application_name=APPLICATION, autocommit=True
        ) as connection,
    ):
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        register_vector(connection)
        for limit in NO_LIMITS_17 if connection.info.server_version >= 170_000 else NO_LIMITS:
            connection.execute(f"SET {limit} = 0")
        # Not every system can do this; there, a killed run's index build goes on to its end.
        with suppress(psycopg.DataError, psycopg.OperationalError):
            connection.execute(f"SET client_connection_check_interval = '{NOTICE_SECONDS}s'")
        _take_lock(connection, say)
        try:
            with _told_how_to_go_on(connection):
                yield connection
        finally:
            # The database notices a moment later that the session has ended; who begins again at once is not refused.
            if not connection.closed:
                with suppress(psycopg.Error):
                    connection.execute(SQL["unlock"], {"key": ACTIVATION_LOCK})


@contextmanager
def ended_when(
    database: Database, connection: psycopg.Connection, is_stopping: Callable[[], bool] | None
) -> Iterator[None]:
    """End the session of the work inside the block as soon as `is_stopping`, whatever it is at.

    It embeds, waits for rows or builds an index for minutes; ended from outside it stops in each of them, and what its
    transaction did not finish was not done. is_stopping: asked by another thread; None: nobody stops it.
    """
    over, pid = threading.Event(), connection.info.backend_pid

    def watch(asked: Callable[[], bool]) -> None:
        while not over.wait(STOP_SECONDS):
            if not asked():
                continue
            # Where the database does not answer, the work ends by that.
            with suppress(psycopg.Error):
                connecting = psycopg.connect(database.url, connect_timeout=CONNECT_SECONDS, autocommit=True)
                with connecting as other:
                    other.execute(SQL["end_session"], {"pid": pid, "application": f"{APPLICATION}%"})

    thread = None if is_stopping is None else threading.Thread(target=watch, args=(is_stopping,), daemon=True)
    if thread is not None:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if thread is not None:
            thread.join()


@contextmanager
def _told_how_to_go_on(connection: psycopg.Connection) -> Iterator[None]:
    try:
        yield
    except pg_errors.QueryCanceled as exc:
        raise DatabaseUnavailable(
            f"Somebody cancelled what the activation was doing in the database. {GOES_ON}"
        ) from exc
    except DatabaseUnavailable as exc:
        raise DatabaseUnavailable(f"{exc.message} {GOES_ON}") from exc
    except psycopg.Error as exc:
        # 57P: a shutdown, or an administrator.
        if not connection.closed and not (exc.sqlstate or "").startswith("57P"):
            raise
        raise DatabaseUnavailable(f"The database ended the activation's session, or was restarted. {GOES_ON}") from exc


def _take_lock(connection: psycopg.Connection, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + TAKE_OVER_SECONDS
    said = False
    while not _try_lock(connection):
        row = connection.execute(SQL["lock_holder"], LOCK_KEYS).fetchone()
        if row is not None and not said:
            said = True
            say(
                f"Another activation is under way (process {row[0]} of the database). If it was just killed it ends "
                f"within {TAKE_OVER_SECONDS:.0f} seconds; waiting for that."
            )
        if time.monotonic() > deadline:
            ending = f" {how_to_end(row[0])}" if row is not None else ""
            raise Conflict(
                f"Another activation is under way. Watch it with `vitrine models activate --status`.{ending}"
            )
        time.sleep(0.25)


def _try_lock(connection: psycopg.Connection) -> bool:
    row = connection.execute(SQL["try_lock"], {"key": ACTIVATION_LOCK}).fetchone()
    return bool(row and row[0])


def how_to_end(pid: int) -> str:
    """The command that ends an activation from anywhere."""
    return (
        f'`vitrine db shell -c "SELECT pg_terminate_backend({pid})"` ends it; what was embedded is kept, and '
        "activating the model in use gives it up."
    )


def run_locked(
    connection: psycopg.Connection,
    work: Callable[[], T],
    waits: Waits | None = None,
    before: Callable[[], None] | None = None,
) -> T:
    """Run `work` in a transaction in which nobody else reads or writes `product`; tried until the lock is there.

    Searches queue behind a waiting lock, so each try is short. `before` runs when writers are kept out already, and
    searches are not. Raises Conflict where others hold the table for too long.
    """
    waits = waits or Waits()
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
                _lock_out_searches(connection, waits)
                return work()
        except (pg_errors.LockNotAvailable, pg_errors.DeadlockDetected) as exc:
            if time.monotonic() > deadline:
                raise Conflict(
                    f"Somebody holds the table product for too long: {name_holders(connection, readers=True)}. End "
                    "that, and run the same command again: it goes on where it stopped."
                ) from exc
            time.sleep(random.uniform(0.1, 0.5))  # noqa: S311  (not a secret)
        finally:
            # Behind the commit: until then, searches wait.
            waits.end()


def _lock_out_searches(connection: psycopg.Connection, waits: Waits) -> None:
    """Raises LockNotAvailable where other transactions do not let go of the table."""
    for attempt in range(TRIES_IN_A_ROW):
        waits.begin()
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'")
                connection.execute("LOCK TABLE product IN ACCESS EXCLUSIVE MODE")
            return
        except pg_errors.LockNotAvailable:
            waits.end()
            if attempt == TRIES_IN_A_ROW - 1:
                raise
            time.sleep(random.uniform(0.02, 0.2))  # noqa: S311


def name_holders(connection: psycopg.Connection, *, readers: bool) -> str:
    """Whose transactions hold `product` or its rows: `process 4711 (psql, for 12 minutes)`. readers: theirs too."""
    rows = connection.execute(SQL["holders"], {"readers": readers}).fetchall()
    return ", ".join(_holder(*row) for row in rows) or "a transaction that has just ended"


def _holder(pid: int | None, application: str, seconds: float) -> str:
    if pid is None:
        return "a prepared transaction (the view pg_prepared_xacts names it)"
    known = [application] if application else []
    if seconds:
        known.append(f"for {duration(seconds)}")
    return f"process {pid} of the database" + (f" ({', '.join(known)})" if known else "")


def duration(seconds: float) -> str:
    """For people."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3600:.1f} hours"
