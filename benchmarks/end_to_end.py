"""How long does a search take over HTTP, and how many a second? With a model of ViT-B/32's size and 200,000 products.

    python -m benchmarks.end_to_end [--rows 200000] [--requests 300] [--stream 5000] [--keep DIR] [--json]

A ViT-B/32 with random weights (speed does not depend on them) is installed as `vitrine models add` does it, int8, one
thread for a text. The products' vectors lie around embeddings of 2,000 titles by this model, so that queries, which are
words of titles, land among them. `vitrine serve` answers GET /api/v1/search?q=...&limit=10; every query is asked once
(its embedding is computed), then again (it is remembered), then by eight clients that went round once before; then the
same with words and facets; then searches among 5,000 other queries come as Zipf has it, the first one most, to a server
that knows none of them.

The peer, in turns with ours: sentence-transformers (torch, one thread) on the same checkpoint, FAISS HNSW (ef 100), and
ten rows read from the same Postgres by psycopg; a function call without HTTP. Needs the extras [models] and [bench].
Last, the least server that could answer the same, and pgbench, which asks for the walk of the index alone: what they
take bounds what any server over this index can do.
--keep DIR keeps the checkpoint and the installed model.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.clusters import Floats
from benchmarks.engine.filters import independent_columns, path_of
from benchmarks.engine.http_load import keep_busy, request_of
from benchmarks.engine.least_server import least_server
from benchmarks.engine.peer_stack import PeerStack
from benchmarks.engine.peers import missing
from benchmarks.engine.queries import around, draw_queries, zipf_stream
from benchmarks.engine.shop import Chunk, Shelf, Wordy
from benchmarks.engine.walk_alone import walk_alone
from benchmarks.latency import free_port, percentile, wait_until_ready
from benchmarks.workers import Worker, interleave, worker
from server.db.engine import open_database
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import read_manifest
from server.embedding.ort import Runtime
from server.model_store.add import add_model
from server.search.words.refresh import refresh_words
from server.settings import Settings, load_settings

MODEL = "vit-b-32"
CENTERS = 2000
CLIENTS = 8
ROUND = 20
TARGETS = {"uncached_times_faster": 5.0, "cached_p50_ms": 2.5, "cached_per_second": 1000.0}
FACETS = [("facets", "brand"), ("facets", "category"), ("facets", "price")]

Row = dict[str, Any]
log = logging.getLogger("end_to_end")


def install(settings: Settings, keep: Path) -> None:
    """The checkpoint and the model in the data directory, by the code behind `vitrine models add`."""
    from tests.reference_models import write_clip_checkpoint

    if not (keep / "checkpoint").is_dir():
        write_clip_checkpoint(keep / "checkpoint")
    if not (keep / MODEL).is_dir():
        add_model(str(keep / "checkpoint"), keep, name=MODEL, precision="int8", runtime=Runtime())
    settings.models_dir.mkdir(parents=True, exist_ok=True)
    (settings.models_dir / MODEL).symlink_to((keep / MODEL).absolute())


def fill_shop(settings: Settings, rows: int) -> tuple[Floats, list[str]]:
    """A shop of that size by the installed model; its vectors, and titles of it."""
    manifest = read_manifest(settings.models_dir / MODEL)
    encoder = ClipEncoder(manifest, Runtime(text_threads=os.cpu_count() or 1))
    words = Wordy()
    centers = np.stack([encoder.embed_text(title) for title in words.titles[:CENTERS]])
    vectors, columns = around(centers, rows), independent_columns(rows)
    model = {"name": manifest.name, "revision": manifest.revision, "precision": manifest.precision}
    with closing(open_database(settings)) as database:
        shelf = Shelf(database, manifest.dimension, words, {**model, "digest": manifest.digest})
        step = 50_000
        shelf.fill(
            Chunk(
                vectors[start : start + step],
                columns.price[start : start + step],
                [path_of(leaf) for leaf in columns.leaf[start : start + step].tolist()],
            )
            for start in range(0, rows, step)
        )
        # What the server corrects and suggests by; with none of it, understanding a query would cost too little.
        with database.connection() as connection:
            refresh_words(connection)
    return vectors, words.titles


@contextmanager
def served(environment: dict[str, str]) -> Iterator[int]:
    """`vitrine serve` as shipped; its port."""
    port = free_port()
    command = [sys.executable, "-m", "server.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def target(query: str, mode: str = "vector", more: Sequence[tuple[str, str]] = ()) -> str:
    """The address of a search."""
    return "/api/v1/search?" + urlencode([("q", query), ("mode", mode), ("limit", "10"), *more])


class Asker:
    """One client on one connection, whose answers are kept."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.timings: list[dict[str, Any]] = []

    def ask(self, queries: Sequence[str]) -> list[float]:
        """Seconds of each, one after the other."""
        took = []
        for query in queries:
            began = time.perf_counter()
            self.connection.request("GET", target(query))
            response = self.connection.getresponse()
            body = response.read()
            took.append(time.perf_counter() - began)
            assert response.status == 200, body[:500]
            self.timings.append(json.loads(body)["timing"])
        return took


def beside_the_peer(port: int, queries: Sequence[str], peer: Worker | None) -> Row:
    """Ours over HTTP and the peer in turns, ROUND queries at a time, each query new to ours."""
    asker = Asker(port)
    asker.ask(["warm up", "the server", "a little"])
    if peer is not None:
        peer.ask("search", list(queries[:3]))
    took: dict[str, list[float]] = {"ours": [], "peer": []}
    asker.timings.clear()
    for start in range(0, len(queries), ROUND):
        part = list(queries[start : start + ROUND])
        tasks = {"ours": lambda part=part: asker.ask(part)}
        if peer is not None:
            tasks["peer"] = lambda part=part: peer.ask("search", part)
        for name, seconds in interleave(1, tasks, random.Random(start)).items():
            took[name] += seconds
    ours, theirs = ([1000 * seconds for seconds in took[name]] for name in ("ours", "peer"))
    row = {"search": "vector, computed", "clients": 1, "requests": len(ours), **_percentiles(ours)}
    row |= {
        f"{name}_p50_ms": round(statistics.median(timing[f"{name}_ms"] for timing in asker.timings), 3)
        for name in ("embed", "sql", "total")
    }
    if theirs:
        row |= {f"peer_{name}": value for name, value in _percentiles(theirs).items()}
        row["times_faster"] = round(row["peer_p50_ms"] / row["p50_ms"], 2)
    return row


def _percentiles(took: list[float]) -> Row:
    return {"p50_ms": round(statistics.median(took), 3), "p95_ms": round(percentile(took, 0.95), 3)}


def measure(environment: dict[str, str], queries: list[str], others: list[str], peer: Worker | None) -> list[Row]:
    """A row for each way to ask. queries: for all but the stream; others: for the stream."""
    with served(environment) as port:
        rows = [beside_the_peer(port, queries, peer)]

        def ask(name: str, targets: Sequence[str], clients: int) -> None:
            requests = [request_of(one, port) for one in targets]
            rows.append({"search": name, "clients": clients, **keep_busy(port, requests, clients).figures()})
            log.info("%s", rows[-1])

        by_vector = [target(query) for query in queries]
        by_both = [target(query, "hybrid") for query in queries]
        with_facets = [target(query, "hybrid", FACETS) for query in queries]
        ask("HTTP alone (/healthz)", ["/healthz"] * len(queries), 1)
        # One client comes to one process; eight open the connections of all, and let them know the queries.
        keep_busy(port, [request_of(one, port) for one in by_vector], CLIENTS)
        ask("vector, cached", by_vector, 1)
        ask("vector, cached", by_vector * 5, CLIENTS)
        ask("hybrid, cached", by_both, 1)
        ask("hybrid and facets, cached", with_facets, 1)
        ask("hybrid and facets, cached", with_facets, CLIENTS)
    # Another process, which remembers nothing.
    with served(environment) as port:
        keep_busy(port, [request_of(target(query), port) for query in queries[:100]], CLIENTS)
        stream = [target(query) for query in zipf_stream(others, len(others))]
        ask(f"vector, Zipf stream of {len(others):,} queries", stream, CLIENTS)
    return rows


def breakdown(rows: Sequence[Row]) -> list[Row]:
    """Where the time of one request goes, p50 in milliseconds, for each way that one client asked."""
    (alone,) = (row["p50_ms"] for row in rows if "HTTP alone" in row["search"])
    told = []
    for row in rows:
        if row["clients"] != 1 or "total_p50_ms" not in row:
            continue
        rest = row["p50_ms"] - row["total_p50_ms"] - alone
        told.append(
            {
                "search": row["search"],
                "all": row["p50_ms"],
                "HTTP and Flask alone": alone,
                "embedding": row["embed_p50_ms"],
                "plan and SQL": row["sql_p50_ms"],
                "understanding": round(row["total_p50_ms"] - row["embed_p50_ms"] - row["sql_p50_ms"], 3),
                "validation and JSON": round(rest, 3),
            }
        )
    return told


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    logging.basicConfig(level=logging.WARNING)
    log.setLevel(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        keep = arguments.keep or folder / "kept"
        settings = load_settings(_env_file=None, VITRINE_DATA_DIR=folder / "data", DATABASE_URL=None)
        install(settings, keep)
        log.info("model installed")
        vectors, titles = fill_shop(settings, arguments.rows)
        log.info("%s products in the shop", f"{arguments.rows:,}")
        np.save(folder / "vectors.npy", vectors)
        queries = draw_queries(titles, arguments.requests + arguments.stream)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("VITRINE_", "DATABASE_"))}
        environment |= {"VITRINE_DATA_DIR": str(folder / "data")}
        lacking = missing("sentence_transformers", "faiss")
        mine, others = queries[: arguments.requests], queries[arguments.requests :]
        with closing(open_database(settings)) as database:
            if lacking is not None:
                rows = measure(environment, mine, others, None)
            else:
                given = (str(keep / "checkpoint"), str(folder / "vectors.npy"), database.url)
                with worker(PeerStack, *given) as peer:
                    rows = measure(environment, mine, others, peer)
            rows += least_server(
                database, settings.web_workers, settings.web_threads, arguments.requests * 5, (1, CLIENTS)
            )
            rows += [
                {"search": "the walk alone, by pgbench", **walk_alone(database, clients)} for clients in (1, CLIENTS)
            ]
    told: dict[str, Any] = {"products": arguments.rows, "rows": rows, "breakdown": breakdown(rows), "targets": TARGETS}
    return told | {"without": None if lacking is None else f"{lacking} is not installed: pip install -e '.[bench]'"}


def show(told: dict[str, Any]) -> None:
    """For people."""
    console = Console(width=170, highlight=False)
    for title, rows in (
        (f"{told['products']:,} products, ms over HTTP", told["rows"]),
        ("one client, p50 ms", told["breakdown"]),
    ):
        columns = list(dict.fromkeys(column for row in rows for column in row))
        table = Table(title=title)
        for place, column in enumerate(columns):
            table.add_column(column, justify="right" if place else "left")
        for row in rows:
            table.add_row(*(str(row.get(column, "")) for column in columns))
        console.print(table)
    console.print(
        f"Targets: computed at least {TARGETS['uncached_times_faster']:g} times faster than the peer, cached p50 below "
        f"{TARGETS['cached_p50_ms']} ms, {TARGETS['cached_per_second']:,.0f} a second by {CLIENTS} clients."
    )
    if told["without"]:
        console.print(told["without"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--requests", type=int, default=300, help="distinct queries of each row but the stream")
    parser.add_argument("--stream", type=int, default=5_000, help="distinct queries, and requests, of the stream")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    told = run(arguments)
    if arguments.json:
        print(json.dumps(told, indent=1))
    else:
        show(told)


if __name__ == "__main__":
    main()
