"""How much is done behind the scenes: written down by whoever does it, in the transaction that does it.

Rows are added and never changed, so that workers and web servers that embed side by side do not wait for each other.
"""

from dataclasses import dataclass
from enum import StrEnum

import psycopg

from server.db.named_sql import load

SQL = load(__file__, "work_done.sql")


class Work(StrEnum):
    """What is counted."""

    JOB = "job"  # a job of the queue that succeeded
    EMBEDDING = "embedding"  # a product whose vector was made and kept


@dataclass(frozen=True)
class Done:
    """How much, within the last minute and the last hour."""

    minute: int = 0
    hour: int = 0

    @property
    def per_minute(self) -> float:
        """On average over the last hour."""
        return self.hour / 60


def note_work(connection: psycopg.Connection, kind: Work, number: int) -> None:
    """So much was done, in the caller's transaction."""
    if number > 0:
        connection.execute(SQL["note"], {"kind": kind, "number": number})


def read_work(connection: psycopg.Connection) -> dict[Work, Done]:
    """Of each kind."""
    counts = {Work(kind): Done(minute, hour) for kind, minute, hour in connection.execute(SQL["counts"])}
    return {kind: counts.get(kind, Done()) for kind in Work}


def forget_work(connection: psycopg.Connection, hours: int) -> int:
    """Delete what is older; how many rows."""
    return connection.execute(SQL["forget"], {"hours": hours}).rowcount
