"""Does a shop lose anything when something of it is killed? Kill -9 at random moments of an import, uploads beside it.

    python -m benchmarks.faults [--rounds 10] [--rows 2000] [--victim worker] [--victim web] [--victim server]
        [--victim postgres] [--seed 1] [--json]

Each round starts `vitrine serve` (which starts the worker and the embedded Postgres) on a fresh data directory, queues
the import of a file of so many rows with a picture each, and puts products with pictures over HTTP meanwhile. At a
random moment one process is killed: the worker, a process that answers requests, the whole server (which is then
started again, as an init system would), or Postgres with all its processes. Then the import has to end, and

- every row of the file is there once, with its vector and its own title and price,
- every product whose upload was accepted (2xx) is there with its vector,
- embedding_coverage() says that nothing lacks one.
"""

from __future__ import annotations

import argparse
import base64
import csv
import http.client
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.latency import free_port, wait_until_ready
from server.db.engine import Database, open_database
from server.errors import VitrineError
from server.imports import runs
from server.imports.runs import Run, State
from server.imports.store import UploadStore
from server.jobs.queue import queue_import
from server.settings import Settings, load_settings

VICTIMS = ("worker", "web", "server", "postgres")
TOKEN = "a token of this benchmark alone"  # noqa: S105  (of a server that lives for a minute)
# So long an import may take after the kill: the death of a worker is noticed after half a minute.
PATIENCE = 240.0
PICTURE_SIZE = 64


def picture(number: int) -> bytes:
    """One of many plain pictures, small: what is tried is not the tower."""
    file = io.BytesIO()
    colour = ((number * 37) % 256, (number * 91) % 256, (number * 53) % 256)
    Image.new("RGB", (PICTURE_SIZE, PICTURE_SIZE), colour).save(file, "PNG")
    return file.getvalue()


def data_url_of(data: bytes, media_type: str) -> str:
    """A picture as text, for a cell of a feed."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


class Shop:
    """`vitrine serve` on a data directory, started again when somebody kills it."""

    def __init__(self, folder: Path) -> None:
        self.settings: Settings = load_settings(_env_file=None, VITRINE_DATA_DIR=folder, DATABASE_URL=None)
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VITRINE_", "DATABASE_"))}
        self.environment = {**kept, "VITRINE_DATA_DIR": str(folder), "VITRINE_ADMIN_TOKEN": TOKEN}
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "server.cli", "serve", "--port", str(self.port)]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_ready(self.port, process, 120)
        return process

    def kill(self, victim: str) -> None:
        """Kill -9 one process, or a family of them."""
        if victim == "server":
            for pid in [self.process.pid, *descendants(self.process.pid)]:
                _kill(pid)
            self.process.wait()
            self.process = self._start()
        elif victim == "postgres":
            postmaster = int((self.settings.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
            for pid in [postmaster, *descendants(postmaster)]:
                _kill(pid)
        else:
            family = {pid: command_line(pid) for pid in descendants(self.process.pid)}
            is_worker = victim == "worker"
            some = [pid for pid, line in family.items() if ("server.cli worker" in line) == is_worker]
            some = some if is_worker else [pid for pid in some if "spawn_main" in family[pid]]
            _kill(random.Random(time.time_ns()).choice(some))

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def command_line(pid: int) -> str:
    """As /proc tells it."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""


def descendants(pid: int) -> list[int]:
    """All processes that it started, and those that they did."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        some = children.get(todo.pop(), [])
        found += some
        todo += some
    return found


class Uploader(threading.Thread):
    """Puts one product after the other over HTTP, each until it is accepted or refused for good."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.accepted: dict[str, str] = {}
        self.failures = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            sku, title = f"UP-{number:05}", f"Uploaded {number}"
            body = json.dumps({"title": title, "price": number, "image": base64.b64encode(picture(number)).decode()})
            if self._put(sku, body):
                self.accepted[sku] = title
                number += 1
            else:
                self.failures += 1
                time.sleep(0.2)

    def _put(self, sku: str, body: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        try:
            connection.request("PUT", f"/api/v1/products/{sku}", body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status in (200, 201)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def begin_import(database: Database, settings: Settings, rows: int) -> int:
    """Queue the import of so many rows with a picture each; the number of the run."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["sku", "title", "price", "image"])
    for number in range(rows):
        writer.writerow(
            [f"IM-{number:05}", f"Imported {number}", number % 500, data_url_of(picture(number + 7), "image/png")]
        )
    return queue_file(database, settings, "faults.csv", text.getvalue().encode())


def queue_file(database: Database, settings: Settings, name: str, data: bytes) -> int:
    """A file in the upload folder and its job in the queue, as the page leaves them; the number of the run."""
    with database.connection() as connection:
        run = runs.create(connection, name, len(data), "benchmark")
    UploadStore.of(settings).receive(run, name, 0, [data], len(data))
    with database.connection() as connection:
        runs.mark_ready(connection, run)
        runs.start(connection, run, {}, dry_run=False, whole=False)
        queue_import(connection, run)
    return run


def read_run(database: Database, run: int) -> Run | None:
    """None while the database does not answer."""
    with suppress(VitrineError), database.connection() as connection:
        return runs.find(connection, run)
    return None


def wait_for(database: Database, run: int, rows: int) -> Run | None:
    """Until the import has met so many rows, or is over; None where it took too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = read_run(database, run)
        if found is not None and (found.state in (State.DONE, State.FAILED, State.CANCELLED) or found.rows >= rows):
            return found
        time.sleep(0.1)
    return None


def wait_until_over(database: Database, run: int) -> Run | None:
    """The same until it is over."""
    return wait_for(database, run, sys.maxsize)


def check(database: Database, rows: int, accepted: dict[str, str]) -> dict[str, int]:
    """What is wrong, counted."""
    with database.connection() as connection:
        imported = connection.execute(
            "SELECT sku, title, price, embedding_source FROM product WHERE sku LIKE 'IM-%'"
        ).fetchall()
        uploaded = connection.execute(
            "SELECT sku, title, embedding_source FROM product WHERE sku LIKE 'UP-%'"
        ).fetchall()
        live, covered, _, _ = connection.execute("SELECT * FROM embedding_coverage()").fetchone() or (0, 0, 0, 0)
    right = {(f"IM-{number:05}", f"Imported {number}", number % 500, "image") for number in range(rows)}
    found = {(sku, title, int(price), source) for sku, title, price, source in imported}
    there = {sku: (title, source) for sku, title, source in uploaded}
    return {
        "rows_lost": len(right - found),
        "rows_wrong": len(found - right),
        "uploads_lost": sum(there.get(sku) != (title, "image") for sku, title in accepted.items()),
        "without_vector": live - covered,
    }


@contextmanager
def fresh_shop() -> Iterator[Shop]:
    """In a folder of its own, whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as name:
        shop = Shop(Path(name) / "data")
        try:
            yield shop
        finally:
            shop.stop()


def one_round(victim: str, rows: int, draw: random.Random) -> dict[str, Any]:
    """A row of the table."""
    with fresh_shop() as shop:
        database = open_database(shop.settings)
        uploader = Uploader(shop.port)
        try:
            uploader.start()
            began = time.monotonic()
            run = begin_import(database, shop.settings, rows)
            moment = draw.randrange(1, rows)
            wait_for(database, run, moment)
            time.sleep(draw.uniform(0, 0.3))
            shop.kill(victim)
            killed = time.monotonic()
            over = wait_until_over(database, run)
            took = time.monotonic() - killed
            uploader.stopping.set()
            uploader.join(60)
            counts = check(database, rows, uploader.accepted)
        finally:
            uploader.stopping.set()
            database.close()
    return {
        "victim": victim,
        "killed_at_row": moment,
        "after_s": round(killed - began, 1),
        "state": "too long" if over is None else str(over.state),
        "starts": 0 if over is None else over.starts,
        "over_s": round(took, 1),
        "uploads": len(uploader.accepted),
        "failed_tries": uploader.failures,
        **counts,
    }


def is_whole(row: dict[str, Any]) -> bool:
    """Whether nothing is lost."""
    wrong = ("rows_lost", "rows_wrong", "uploads_lost", "without_vector")
    return row["state"] == "done" and not any(row[name] for name in wrong)


def show(rows: Sequence[dict[str, Any]]) -> None:
    """For people."""
    console, table = Console(width=170, highlight=False), Table()
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "victim" else "right")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    console.print(f"{sum(map(is_whole, rows))} of {len(rows)} rounds lost nothing.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="of each victim")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--victim", action="append", choices=VICTIMS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    rows = []
    for victim in arguments.victim or VICTIMS:
        for _ in range(arguments.rounds):
            rows.append(one_round(victim, arguments.rows, draw))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps({"rows": rows}, indent=1))
    else:
        show(rows)
    sys.exit(0 if all(map(is_whole, rows)) else 1)


if __name__ == "__main__":
    main()
