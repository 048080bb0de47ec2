"""How fast work behind the scenes goes: at full speed on a machine of its own, with pauses while people search.

Niceness alone does not do it: what an import has written by Postgres runs in a process that is not the worker's, and a
core that is lent to the tower whenever nobody has it shares caches and memory with the one beside it. So while other
programs ask the database, work is done in small pieces with a rest behind each.
"""

import time
from collections.abc import Callable
from typing import Self

import psycopg

from server.db.engine import Database, translated_errors
from server.db.named_sql import load

SQL = load(__file__, "pace.sql")

# So many connections that were used within so long are searches; one alone is a page that looks how far the work is.
SEARCHING_FROM = 2
RECENTLY_SECONDS = 0.5
# How long a look at it holds.
LOOK_SECONDS = 0.25
# A rest is so long for each second of work before it, and never longer than the most: the answer to a slow disk is not
# to stand still.
REST_SHARE = 0.3
MOST_REST_SECONDS = 1.0
# Rows of a piece of work: large ones cost less, small ones are over sooner.
ROWS_ALONE = 64
ROWS_BESIDE = 16


class Pace:
    """Whether people search at the moment, and rests while they do. For one piece of work, one thread."""

    def __init__(
        self,
        count_others: Callable[[], int],
        sleep: Callable[[float], None] = time.sleep,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """count_others: connections of other programs that were used lately. close: what it was counted on."""
        self._count_others, self._sleep, self._close = count_others, sleep, close
        self._looked, self._is_busy = float("-inf"), False
        self._began = time.monotonic()

    @classmethod
    def of(cls, database: Database) -> "Pace":
        """Of a worker on this database; to be closed. On a connection of its own: the work may hold the pool's last."""
        held: list[psycopg.Connection] = []

        def count_others() -> int:
            with translated_errors():
                if not held:
                    held.append(psycopg.connect(database.url, autocommit=True, application_name=database.name))
                row = held[0].execute(SQL["others"], {"seconds": RECENTLY_SECONDS}).fetchone()
            return 0 if row is None else int(row[0])

        def close() -> None:
            for one in held:
                one.close()

        return cls(count_others, close=close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def rows(self) -> int:
        """How many rows the next piece of work should have."""
        return ROWS_BESIDE if self._searches() else ROWS_ALONE

    def rest(self) -> None:
        """After a piece of work; what came since the last rest counts as work."""
        worked = time.monotonic() - self._began
        if self._searches():
            self._sleep(min(MOST_REST_SECONDS, worked * REST_SHARE))
        self._began = time.monotonic()

    def _searches(self) -> bool:
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._looked, self._is_busy = now, self._count_others() >= SEARCHING_FROM
        return self._is_busy


# Nobody is to be waited for.
FULL_SPEED = Pace(lambda: 0)
