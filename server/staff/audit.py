"""Who changed what: the audit log, written in the transaction of the change."""

import json
from typing import Any

import psycopg

from server.db.named_sql import load

SQL = load(__file__, "staff.sql")


def note(
    connection: psycopg.Connection,
    actor: str,
    action: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Somebody changed something. subject: what it is and which one, `staff/ann`."""
    told = {
        "before": None if before is None else json.dumps(before),
        "after": None if after is None else json.dumps(after),
    }
    connection.execute(SQL["audit"], {"actor": actor, "action": action, "subject": subject, **told})
