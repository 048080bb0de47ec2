"""Who is counted as searching, by what Postgres knows of connections."""

from contextlib import ExitStack

import psycopg
import pytest

from server.db import pace as room
from server.db.engine import APPLICATION, WEB, WORKER, Database
from server.db.pace import ROWS_ALONE, ROWS_BESIDE, Pace


@pytest.fixture
def worker(migrated: Database) -> object:
    database = Database(migrated.url, name=WORKER)
    yield database
    database.close()


def test_connections_in_use_count_and_those_of_workers_do_not(
    migrated: Database, worker: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Those of the tests before this one are at rest by then, however slow the machine is.
    monkeypatch.setattr(room, "RECENTLY_SECONDS", 0.0)
    with ExitStack() as stack:
        for name in (WORKER, APPLICATION, "vitrine activate", "vitrine activate, waits for 3 rows"):
            one = stack.enter_context(psycopg.connect(migrated.url, application_name=name))
            one.execute("SELECT 1")
        with Pace.of(worker) as pace:
            assert pace.rows == ROWS_ALONE
        for name in (WEB, "a notebook"):
            other = stack.enter_context(psycopg.connect(migrated.url, application_name=name))
            other.execute("SELECT 1")
        with Pace.of(worker) as pace:
            assert pace.rows == ROWS_BESIDE
