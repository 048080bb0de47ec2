"""`vitrine demo` as a person runs it: load, serve, stop, start again; and nothing is left running."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.resources import DEFAULT_MODEL

pytestmark = pytest.mark.skipif(
    not (DEFAULT_MODEL / "manifest.toml").exists(), reason="needs the bundled model in models/default"
)

PRODUCTS = "48"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def environment(home: Path, workers: int = 1) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VITRINE_", "PG", "DATABASE_"))}
    return {**kept, "VITRINE_DATA_DIR": str(home / "data"), "VITRINE_WEB_WORKERS": str(workers)}


def vitrine(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.cli", *arguments]
    return subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=180, check=False)


@contextmanager
def served(home: Path, workers: int = 1) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "server.cli", "demo", "--products", PRODUCTS, "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment(home, workers), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: get(address, "/readyz")["ready"])
        yield process, address
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def get(address: str, path: str) -> Any:
    with urllib.request.urlopen(address + path, timeout=20) as answer:
        return json.load(answer)


def wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def postgres_pid(home: Path) -> int | None:
    file = home / "data" / "postgres" / "postmaster.pid"
    return int(file.read_text().split()[0]) if file.exists() else None


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_demo_is_loaded_once_and_its_truth_is_told(home: Path) -> None:
    truth = home / "truth.json"
    loaded = vitrine(home, "demo", "--no-serve", "--products", PRODUCTS, "--truth", str(truth))
    assert loaded.returncode == 0, loaded.stderr
    told = json.loads(truth.read_text(encoding="utf-8"))
    assert len(told) == int(PRODUCTS)
    assert all({"kind", "colour", "pattern", "details"} <= set(entry) for entry in told.values())
    found = json.loads(vitrine(home, "search", "a toy", "--json", "--limit", "100").stdout)
    assert {hit["sku"] for hit in found["hits"]} == set(told)
    again = vitrine(home, "demo", "--no-serve", "--products", PRODUCTS)
    assert again.returncode == 0
    assert "Drawing" not in again.stderr


def test_the_search_command_prints_a_table_with_file_names(home: Path) -> None:
    printed = vitrine(home, "search", "red mug", "--limit", "3").stdout
    assert printed.count(".jpg") == 3
    assert "3 of 48" in printed


def test_the_shop_answers_and_ctrl_c_stops_all_that_was_started(home: Path) -> None:
    with served(home) as (process, address):
        assert get(address, "/api/v1/search?q=red&limit=5")["total"] == int(PRODUCTS)
        with urllib.request.urlopen(address + "/?q=red", timeout=20) as page:
            assert b"<html" in page.read()
        database = postgres_pid(home)
        assert database is not None
        # As a terminal does it: the parent and its worker get the signal at once.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout is not None
        assert address in process.stdout.read()
    wait_for(lambda: not is_alive(database), 15)


def test_a_database_that_dies_is_started_again(home: Path) -> None:
    with served(home) as (_, address):
        database = postgres_pid(home)
        assert database is not None
        os.kill(database, signal.SIGKILL)
        wait_for(lambda: get(address, "/api/v1/search?q=blue&limit=1")["hits"], 60)
        assert postgres_pid(home) != database


def test_the_demo_is_not_mixed_into_another_catalogue(home: Path, tmp_path: Path) -> None:
    feed = tmp_path / "own.csv"
    feed.write_text("sku,title,price\nOWN-1,Own product,5\n", encoding="utf-8")
    assert vitrine(tmp_path, "db", "upgrade").returncode == 0
    assert vitrine(tmp_path, "import", str(feed)).returncode == 0
    refused = vitrine(tmp_path, "demo", "--no-serve", "--products", PRODUCTS)
    assert refused.returncode == 2
    assert "another catalogue" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_taken_port_is_named(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = vitrine(home, "serve", "--port", str(port))
    assert refused.returncode == 2
    assert str(port) in refused.stderr


def test_a_demo_of_another_model_says_how_to_begin_anew(home: Path) -> None:
    database = Database(EmbeddedPostgres(home / "data").url(), embedded=EmbeddedPostgres(home / "data"))
    assert database.embedded is not None
    database.embedded.start()
    try:
        with database.connection() as connection:
            connection.execute("UPDATE embedding_model SET digest = 'x' || digest")
        refused = vitrine(home, "demo", "--products", PRODUCTS)
        with database.connection() as connection:
            connection.execute("UPDATE embedding_model SET digest = substr(digest, 2)")
    finally:
        database.close()
    assert refused.returncode == 2
    assert "VITRINE_DATA_DIR" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_several_processes_answer_as_one(home: Path) -> None:
    with served(home, workers=2) as (process, address):
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
        )
        workers = [int(pid) for pid in listed.stdout.split()]
        first = get(address, "/api/v1/search?q=a+toy&limit=5")
        # Each request on a connection of its own, so that one process goes on with what another one began.
        seen = [hit["sku"] for hit in first["hits"]]
        cursor = first["next_cursor"]
        while cursor is not None:
            page = get(address, f"/api/v1/search?q=a+toy&limit=5&cursor={cursor}")
            seen += [hit["sku"] for hit in page["hits"]]
            cursor = page["next_cursor"]
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert len(workers) >= 2
    assert len(seen) == len(set(seen)) == first["total"]
    wait_for(lambda: not any(is_alive(pid) for pid in workers), 20)
