"""The tables of procrastinate, which has migrations of its own: those of the installed version are applied in order.

What was applied last is remembered in `job_tables`, so that a newer procrastinate finds its way on.
"""

from functools import cache
from pathlib import Path

import psycopg


@cache
def _files() -> list[Path]:
    # procrastinate is imported where it is needed: most commands do not pay for it.
    from procrastinate.schema import SchemaManager

    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def _knows_jobs(connection: psycopg.Connection) -> bool:
    """Whether the schema is as new as `job_tables` is."""
    row = connection.execute("SELECT to_regclass('job_tables') IS NOT NULL").fetchone()
    return row is not None and bool(row[0])


def _read_step(connection: psycopg.Connection) -> str | None:
    """The last migration that was applied; None where the tables were never made."""
    row = connection.execute("SELECT step FROM job_tables").fetchone()
    return None if row is None else str(row[0])


def is_up_to_date(connection: psycopg.Connection) -> bool:
    """Whether they are those of the installed version, or newer."""
    step = _read_step(connection) if _knows_jobs(connection) else None
    return step is not None and step >= _files()[-1].name


def bring_up_to_date(connection: psycopg.Connection) -> None:
    """Make the tables, or bring them to the installed version, in the connection's transaction.

    An older schema has no place to remember it, and no tables.
    """
    from procrastinate.schema import SchemaManager

    if not _knows_jobs(connection):
        return
    step, newest = _read_step(connection), _files()[-1].name
    # Statements without parameters are sent as they are, many in one string.
    if step is None:
        connection.execute(SchemaManager.get_schema())
        connection.execute("INSERT INTO job_tables (step) VALUES (%s)", [newest])
        return
    for file in _files():
        if file.name > step:
            connection.execute(file.read_bytes())
    if step < newest:
        connection.execute("UPDATE job_tables SET step = %s", [newest])
