"""The audit log: who changed what. An entry is written in the transaction of the change."""

import datetime
import json
from dataclasses import dataclass
from typing import Any

import psycopg

from server.db.named_sql import load

SQL = load(__file__, "audit.sql")


def record(
    connection: psycopg.Connection,
    actor: str,
    action: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write an entry. subject: its kind and name, as in staff/ann."""
    told = {
        "before": None if before is None else json.dumps(before),
        "after": None if after is None else json.dumps(after),
    }
    connection.execute(SQL["record"], {"actor": actor, "action": action, "subject": subject, **told})


@dataclass(frozen=True)
class Entry:
    """Who did what to what, with what was there before and after; None where there was nothing."""

    at: datetime.datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def fields(self) -> list[str]:
        """What differs; all that there is where something came or went."""
        before, after = self.before or {}, self.after or {}
        return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def newest(connection: psycopg.Connection, limit: int, subject: str | None = None) -> list[Entry]:
    """The newest first. subject: of this one alone."""
    rows = connection.execute(SQL["newest"], {"limit": limit, "subject": subject}).fetchall()
    return [Entry(*row) for row in rows]
