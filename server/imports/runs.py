"""The record of each import: what was sent, how far it is, what came of it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
import psycopg
from psycopg.rows import class_row

from server.catalog.report import ImportReport
from server.db.named_sql import load
from server.errors import Conflict, NotFound

SQL = load(__file__, "runs.sql")


class State(StrEnum):
    """Where a run stands."""

    UPLOADING = "uploading"  # not all of the file is here
    READY = "ready"  # somebody has to look at it and start it
    WAITING = "waiting"  # for a worker
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_under_way(self) -> bool:
        """Whether it changes without anybody doing something."""
        return self in (State.WAITING, State.RUNNING)


@dataclass(frozen=True)
class Run:
    """columns: column -> field, None for an attribute, "" for what is left out. report: of the last that was heard.

    starts: how often a worker began. changed_at: the last sign of life. cancelling: somebody wants it to stop.
    """

    id: int
    name: str
    state: State
    bytes: int
    received: int
    made_by: str
    made_at: datetime.datetime
    columns: dict[str, str | None]
    dry_run: bool
    whole: bool
    report: dict[str, Any]
    problem: str | None
    error_file: str | None
    starts: int
    started_at: datetime.datetime | None
    changed_at: datetime.datetime
    finished_at: datetime.datetime | None
    cancelling: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", State(self.state))

    @property
    def rows(self) -> int:
        """Rows that were met so far."""
        return sum(int(self.report.get(name, 0)) for name in ("created", "updated", "unchanged", "refused"))

    @property
    def rate(self) -> float | None:
        """Rows a second."""
        seconds = float(self.report.get("seconds", 0.0))
        return self.rows / seconds if seconds > 0 and self.rows else None

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None where nobody can tell yet."""
        share, seconds = float(self.report.get("share", 0.0)), float(self.report.get("seconds", 0.0))
        return seconds / share * (1.0 - share) if 0.0 < share < 1.0 and seconds > 1.0 else None


def create(connection: psycopg.Connection, name: str, size: int, by: str) -> int:
    """A record for a file that is about to be sent; its number."""
    (number,) = connection.execute(SQL["create"], {"name": name, "bytes": size, "by": by}).fetchone() or (0,)
    return int(number)


def find(connection: psycopg.Connection, run: int) -> Run:
    """Raises NotFound."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        found = cursor.execute(SQL["one"], {"id": run}).fetchone()
    if found is None:
        raise NotFound("There is no such import, or it was deleted.")
    return found


def newest(connection: psycopg.Connection, limit: int) -> list[Run]:
    """Those that wait or run, then the newest."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(SQL["newest"], {"limit": limit}).fetchall()


def note_received(connection: psycopg.Connection, run: int, size: int) -> None:
    """So many bytes more are here."""
    connection.execute(SQL["received"], {"id": run, "bytes": size})


def mark_ready(connection: psycopg.Connection, run: int, problem: str | None = None) -> None:
    """All of the file is here; `problem`: why it cannot be read, where it cannot. Twice is as good as once."""
    connection.execute(SQL["ready"], {"id": run, "problem": problem})


def start(
    connection: psycopg.Connection, run: int, columns: Mapping[str, str | None], *, dry_run: bool, whole: bool
) -> None:
    """Have it wait for a worker; the caller queues the job in the same transaction. Raises NotFound, Conflict."""
    parameters = {"id": run, "columns": orjson.dumps(columns).decode(), "dry_run": dry_run, "whole": whole}
    if connection.execute(SQL["wait"], parameters).fetchone() is None:
        state = find(connection, run).state
        raise Conflict(
            "The file is not all here yet." if state is State.UPLOADING else "This import is under way already."
        )


def cancel(connection: psycopg.Connection, run: int) -> None:
    """Stop it; what is in stays in. Raises NotFound, Conflict where it is over."""
    if connection.execute(SQL["cancel"], {"id": run}).fetchone() is None:
        find(connection, run)
        raise Conflict("This import is over already.")


def delete(connection: psycopg.Connection, run: int) -> None:
    """Forget it. Raises NotFound, Conflict where it is under way."""
    if connection.execute(SQL["delete"], {"id": run}).fetchone() is None:
        find(connection, run)
        raise Conflict("This import is under way. Cancel it first.")


def report_as_json(report: ImportReport) -> str:
    """What a page shows of it."""
    told = {
        name: getattr(report, name)
        for name in (
            "dry_run", "created", "updated", "unchanged", "refused", "missing", "hidden", "not_hidden", "images",
            "texts", "seconds", "share",
        )
    }  # fmt: skip
    told["refusals"] = [{"place": one.place, "field": one.field, "reason": one.reason} for one in report.refusals]
    return orjson.dumps(told).decode()
