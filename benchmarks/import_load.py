"""Do imports slow searches, and searches imports? And does a large file take memory?

    python -m benchmarks.import_load load [--products 3000] [--rows 3000] [--seconds 30] [--json]
    python -m benchmarks.import_load large [--rows 100000] [--json]

load: `vitrine serve` as shipped, web and worker in processes of their own, on a shop of drawn products. What eight
clients get through at most is its capacity; then searches come at half of that rate, at random moments and whether or
not the one before was answered (an open loop: a search that waits counts from the moment when it was due), alone, while
the worker imports a file of as many rows, each with a picture, and alone again. Targets: p95 at most twice that without
the import, and the import at least 30% of its rate on an idle machine.

large: a CSV of so many rows without pictures, run as the admin page does. Rows a second, memory of the worker on the
way, and how many different states of its progress were seen by asking once a second.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import io
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from benchmarks.engine.http_load import keep_busy, request_of
from benchmarks.faults import Shop, command_line, data_url_of, descendants, queue_file, read_run, wait_until_over
from benchmarks.latency import percentile
from server.db.engine import Database, open_database
from server.demo import DEMO_SEED, draw_catalogue
from server.settings import Settings

CLIENTS = 8
# So many searches may be under way at once; more would be due and wait for a thread, and count as waiting.
MOST_AT_ONCE = 64
PICTURE_SIZE = 224
COLOURS = ("red", "blue", "green", "black", "white", "yellow", "pink", "grey")
PATTERNS = ("striped", "plain", "dotted", "checked", "floral")
KINDS = ("shirt", "dress", "sneakers", "mug", "backpack", "chair", "kite", "vase", "jacket", "lamp")

Rows = list[list[str]]


def queries() -> list[str]:
    """What shoppers ask for, each once."""
    asked = [f"{pattern} {colour} {kind}" for pattern in PATTERNS for colour in COLOURS for kind in KINDS]
    random.Random(3).shuffle(asked)
    return asked


def drawn_rows(prefix: str, number: int, seed: int) -> Rows:
    """Rows of a feed with a picture each."""
    rows = [["sku", "title", "brand", "category", "price", "image"]]
    for place, product in enumerate(draw_catalogue(number, seed)):
        file = io.BytesIO()
        product.draw(PICTURE_SIZE).save(file, "JPEG", quality=88)
        image = data_url_of(file.getvalue(), "image/jpeg")
        rows.append([f"{prefix}-{place}", product.title, product.brand, product.category, str(product.price), image])
    return rows


def begin(database: Database, settings: Settings, rows: Rows) -> int:
    """Queue their import as the page does; the number of the run."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return queue_file(database, settings, "load.csv", text.getvalue().encode())


def rate_of(database: Database, run: int) -> float:
    """Rows a second of an import that is over, or of what it has done."""
    found = read_run(database, run)
    return 0.0 if found is None or found.rate is None else round(found.rate, 1)


def wait_until_nothing_is_done(database: Database) -> None:
    """Until the worker rests: what it does behind an import, thumbnails first of all, is no part of searching alone."""
    while _one(database, "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')") != (0,):
        time.sleep(0.5)


def target(query: str) -> str:
    """As a front end asks."""
    return "/api/v1/search?" + urlencode({"q": query, "limit": 24})


def open_loop(port: int, rate: float, until: Callable[[float], bool], seed: int) -> list[float]:
    """Milliseconds of searches that are due at random moments, `rate` a second, until it says so of the seconds so far.

    Each counts from the moment when it was due, and comes by a connection of its own, as from a shopper of its own:
    which web process answers is drawn anew each time, where a few lasting connections may all be of one process.
    """
    draw, asked, took = random.Random(seed), queries(), []

    def ask(query: str, due: float) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", target(query))
            with connection.getresponse() as answer:
                answer.read()
                assert answer.status == 200, answer.status
        took.append((time.perf_counter() - due) * 1000)

    began = time.perf_counter()
    due = began
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        waiting = []
        while not until(due - began):
            due += draw.expovariate(rate)
            time.sleep(max(0.0, due - time.perf_counter()))
            waiting.append(pool.submit(ask, draw.choice(asked), due))
        for one in waiting:
            one.result()
    return took


def measure_load(products: int, rows: int, seconds: float) -> list[dict[str, Any]]:
    """Rows of the table."""
    with shop() as (served, database):
        idle_run = begin(database, served.settings, drawn_rows("A", products, DEMO_SEED))
        wait_until_over(database, idle_run)
        idle = rate_of(database, idle_run)
        wait_until_nothing_is_done(database)
        asked = [request_of(target(query), served.port) for query in queries()]
        keep_busy(served.port, asked, CLIENTS)
        capacity = len(asked) / keep_busy(served.port, asked, CLIENTS).seconds
        half = capacity / 2
        alone = open_loop(served.port, half, lambda so_far: so_far > seconds, 1)
        run = begin(database, served.settings, drawn_rows("B", rows, DEMO_SEED + 1))
        began = time.monotonic()

        def is_over(so_far: float) -> bool:
            found = read_run(database, run)
            return (found is not None and found.state.value in ("done", "failed")) or time.monotonic() - began > 600

        beside = open_loop(served.port, half, is_over, 2)
        loaded = rate_of(database, run)
        # The machine's mood changes within minutes: what is compared with was measured on both sides.
        wait_until_nothing_is_done(database)
        alone += open_loop(served.port, half, lambda so_far: so_far > seconds, 3)
    ratio = percentile(beside, 0.95) / percentile(alone, 0.95)
    return [
        {"what": "capacity, 8 clients", "searches_per_second": round(capacity, 1)},
        {"what": "import alone", "rows_per_second": idle},
        {"what": "searches at half of it", "searches_per_second": round(half, 1), **_percentiles(alone)},
        {
            "what": "the same during an import",
            "searches_per_second": round(half, 1),
            **_percentiles(beside),
            "rows_per_second": loaded,
            "p95_times": round(ratio, 2),
            "share_of_idle_rate": round(loaded / idle, 2) if idle else 0.0,
        },
    ]


def _percentiles(took: Sequence[float]) -> dict[str, Any]:
    values = list(took)
    return {
        "searches": len(values),
        "p50_ms": round(statistics.median(values), 1),
        "p95_ms": round(percentile(values, 0.95), 1),
    }


def measure_large(rows: int) -> list[dict[str, Any]]:
    """One row."""
    feed = [["sku", "title", "brand", "category", "price", "stock"]]
    feed += [
        [
            f"L-{number:06}",
            f"{PATTERNS[number % 5]} {COLOURS[number % 8]} {KINDS[number % 10]} number {number}",
            f"Brand {number % 50}",
            f"Things/{KINDS[number % 10]}",
            str(number % 900),
            str(number % 30),
        ]
        for number in range(rows)
    ]
    with shop() as (served, database):
        worker = next(pid for pid in descendants(served.process.pid) if "server.cli worker" in command_line(pid))
        before = resident(worker)
        run = begin(database, served.settings, feed)
        memory, states = [], set()
        while True:
            time.sleep(1.0)
            found = read_run(database, run)
            if found is None:
                continue
            states.add(found.rows)
            memory.append(resident(worker))
            if not found.state.is_under_way:
                break
        (there,) = _one(database, "SELECT count(*) FROM product WHERE embedding IS NOT NULL")
    third = max(1, len(memory) // 3)
    return [
        {
            "rows": rows,
            "state": found.state.value,
            "with_vector": there,
            "rows_per_second": round(found.rate or 0.0, 1),
            "seconds": found.report.get("seconds"),
            "worker_mb_before": before,
            "worker_mb_first_third": max(memory[:third]),
            "worker_mb_last_third": max(memory[-third:]),
            "states_seen": len(states),
        }
    ]


def _one(database: Database, statement: str) -> tuple[Any, ...]:
    with database.connection() as connection:
        return connection.execute(statement).fetchone() or (0,)


def resident(pid: int) -> float:
    """Resident memory of a process, MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return round(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024, 1)


@contextmanager
def shop() -> Iterator[tuple[Shop, Database]]:
    """A fresh shop and its database."""
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as name:
        served = Shop(Path(name) / "data")
        try:
            with closing(open_database(served.settings)) as database:
                yield served, database
        finally:
            served.stop()


def show(rows: Sequence[dict[str, Any]]) -> None:
    """For people."""
    table = Table()
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        table.add_column(name, justify="left" if name == "what" else "right")
    for row in rows:
        table.add_row(*(str(row.get(name, "")) for name in names))
    Console(width=170, highlight=False).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("load", "large"))
    parser.add_argument("--products", type=int, default=3_000)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.what == "load":
        rows = measure_load(given.products, given.rows or 3_000, given.seconds)
    else:
        rows = measure_large(given.rows or 100_000)
    if given.json:
        print(json.dumps({"rows": rows}, indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
