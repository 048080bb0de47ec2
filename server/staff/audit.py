"""The audit log: who changed what. An entry is written in the transaction of the change."""

import json
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
