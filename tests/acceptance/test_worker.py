"""The worker beside `vitrine demo`: what SQL writes is found within seconds, also behind a worker that was killed."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.resources import DEFAULT_MODEL
from tests.acceptance.test_demo import get, is_alive, served, vitrine, wait_for

pytestmark = pytest.mark.skipif(
    not (DEFAULT_MODEL / "manifest.toml").exists(), reason="needs the bundled model in models/default"
)


def children(pid: int) -> dict[int, str]:
    """Process id and command of what a process started."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    lines = (line.split(maxsplit=1) for line in listed.stdout.splitlines())
    return {int(number): command for number, command in lines}


def worker_of(pid: int) -> int | None:
    return next((child for child, command in children(pid).items() if command.endswith("server.cli worker")), None)


def write(database: Database, sku: str, title: str) -> None:
    with database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES (%s, %s, 'USD')", (sku, title))


def is_found(address: str, sku: str, words: str) -> bool:
    found = get(address, f"/api/v1/search?q={words}&mode=vector&limit=100")
    return sku in {hit["sku"] for hit in found["hits"]}


def test_what_sql_writes_is_found_also_behind_a_killed_worker(tmp_path: Path) -> None:
    assert vitrine(tmp_path, "demo", "--no-serve", "--products", "48").returncode == 0
    embedded = EmbeddedPostgres(tmp_path / "data")
    with served(tmp_path) as (process, address):
        embedded.start()
        database = Database(embedded.url(), pool_size=1, embedded=embedded)
        try:
            write(database, "SQL-1", "Green mug")
            wait_for(lambda: is_found(address, "SQL-1", "green+mug"))
            worker = worker_of(process.pid)
            assert worker is not None
            os.kill(worker, signal.SIGKILL)
            write(database, "SQL-2", "Red scarf")
            wait_for(lambda: is_found(address, "SQL-2", "red+scarf"))
            another = worker_of(process.pid)
            assert another not in (None, worker)
        finally:
            database.close()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    assert another is not None
    assert not is_alive(another)
    told = vitrine(tmp_path, "coverage")
    assert (told.returncode, told.stdout) == (0, "50 of 50 live products have a vector of what they are now.\n")
