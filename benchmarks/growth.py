"""What grows how fast with the catalogue? Loading, indexes, sketches, searches and memory at several sizes.

    python -m benchmarks.growth [--sizes 10000,100000,1000000] [--queries 100] [--json]

512 numbers a product, in clusters, in Vitrine's own schema on an embedded Postgres; one size after the other, each in a
database of its own. A million products take about 15 minutes and 8 GB of disk on two cores.

Rows come by COPY in chunks with the triggers of `product` off; `product_search_put`, which they would call, is then
called for 5,000 SKUs at a time on two connections, the sketches are made, and HNSW and the two GIN indexes are built.
So `rows_per_s` is what a bulk load reaches (COPY and product_search, without indexes), not what an import of a feed
does, which embeds pictures besides. Descriptions are cut to a sentence or two.

`sketches_s` is making axes and giving every product its sketch, while there are no GIN indexes to keep. Searches are
those of the search room without embedding and HTTP: of all, and of the cheapest 1%. Memory is that of the Postgres
processes after them: `shared_mb` is what the machine's shared memory grew by, `private_mb` what the processes have for
themselves.

Each figure is fitted by a power law, a * rows^b, over the sizes measured; what it says of 10 and 100 million is an
extrapolation and no measurement.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.clusters import Cone, Floats, make_cone
from benchmarks.engine.answers import nearest
from benchmarks.engine.filters import Cents, independent_columns, money, path_of
from benchmarks.engine.ours import Ours
from benchmarks.engine.shop import Chunk, Filling, Shelf, Wordy, number_of, own_database, own_postgres, sizes_mb
from benchmarks.latency import percentile
from server.db.embedded import EmbeddedPostgres
from server.search.service import ResultPage

DIMENSION = 512
CHUNK = 50_000
SHARE = 0.01
FAR = (10_000_000, 100_000_000)
WARM = 30

Row = dict[str, Any]
log = logging.getLogger("growth")


class Best:
    """The nearest of each query, kept while chunks of vectors go by."""

    def __init__(self, queries: Floats) -> None:
        self.queries = queries
        self._kept: list[tuple[Any, Any]] = [(np.empty(0, np.float32), np.empty(0, np.int64)) for _ in queries]

    def look_at(self, vectors: Floats, numbers: Any) -> None:
        """Rows (n, dimension) and the numbers of their products, (n,)."""
        for place, near in enumerate(self.queries @ vectors.T):
            kept_near, kept_numbers = self._kept[place]
            near, seen = np.concatenate([kept_near, near]), np.concatenate([kept_numbers, numbers])
            best = nearest(near)
            self._kept[place] = (near[best], seen[best])

    def of(self, query: int) -> set[int]:
        """Numbers of the ten nearest products."""
        return set(self._kept[query][1].tolist())


def chunks(cone: Cone, rows: int, price: Cents, limit: int, everything: Best, cheap: Best) -> Iterator[Chunk]:
    """The catalogue piece by piece, so that it never lies in memory as a whole."""
    leaves = independent_columns(rows).leaf
    for start in range(0, rows, CHUNK):
        end = min(rows, start + CHUNK)
        vectors, numbers = cone.draw(end - start, seed=1000 + start), np.arange(start, end)
        part = price[start:end]
        everything.look_at(vectors, numbers)
        passes = part <= limit
        cheap.look_at(vectors[passes], numbers[passes])
        yield Chunk(vectors, part, [path_of(leaf) for leaf in leaves[start:end].tolist()])


def measure(embedded: EmbeddedPostgres, rows: int, queries: int, shared_before: float) -> Row:
    """All figures of one size. shared_before: MB of shared memory before the server was there."""
    cone = make_cone(DIMENSION)
    asked, _ = cone.ask(queries, seed=11)
    price = independent_columns(rows).price
    limit = int(np.quantile(price, SHARE))
    everything, cheap = Best(asked), Best(asked)
    with own_database(embedded, f"shop_{rows}") as database:
        shelf = Shelf(database, DIMENSION, Wordy(prose=False))
        shelf.fill(chunks(cone, rows, price, limit, everything, cheap))
        log.info("%s products: %s", f"{rows:,}", shelf.filling.steps)
        row = {"products": rows, **told_of(shelf.filling), **{f"{n}_mb": v for n, v in sizes_mb(database).items()}}
        ours = Ours(database, DIMENSION)
        row |= {f"all_{name}": value for name, value in searches(asked, ours.unfiltered, everything).items()}
        top = money(limit)
        row |= {
            f"1%_{name}": value
            for name, value in searches(asked, lambda query: ours.under_price(query, top), cheap).items()
        }
        row |= memory_mb(embedded, shared_before)
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}


def told_of(filling: Filling) -> Row:
    """The steps of filling under the names of the table."""
    steps, rows = filling.steps, filling.rows
    return {
        "rows_per_s": round(rows / (steps["copy"] + steps["product_search"])),
        "copy_s": steps["copy"],
        "product_search_s": steps["product_search"],
        "hnsw_s": steps["product_embedding_hnsw"],
        "words_index_s": steps["product_words_search_text"],
        "sketches_s": steps["basis"],
    }


def searches(asked: Floats, ask: Callable[[Floats], ResultPage], best: Best) -> Row:
    """Latency and recall of one kind of search."""
    for query in asked[:WARM]:
        ask(query)
    took, recall, paths = [], [], set()
    for number, query in enumerate(asked):
        began = time.perf_counter()
        page = ask(query)
        took.append((time.perf_counter() - began) * 1000)
        paths.add(str(page.plan.path))
        found = {number_of(hit.sku) for hit in page.hits}
        right = best.of(number)
        recall.append(len(found & right) / max(1, len(right)))
    return {
        "p50_ms": statistics.median(took),
        "p95_ms": percentile(took, 0.95),
        "recall": statistics.fmean(recall),
        "plan": ", ".join(sorted(paths)),
    }


def memory_mb(embedded: EmbeddedPostgres, shared_before: float) -> Row:
    """Resident memory of the server's processes. Which of them touched a shared page does not matter."""
    pid = int((embedded.cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    files = [Path(f"/proc/{one}/status") for one in (str(pid), *listed.stdout.split())]
    found = [_mb(file, "RssAnon:") for file in files if file.exists()]
    return {"shared_mb": shared_mb() - shared_before, "private_mb": sum(found), "processes": len(found)}


def shared_mb() -> float:
    """Shared memory in use on this machine."""
    return _mb(Path("/proc/meminfo"), "Shmem:")


def _mb(file: Path, name: str) -> float:
    """A figure of a file of the kernel's, which tells it in kB."""
    lines = file.read_text(encoding="ascii").split("\n")
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def power_law(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """a and b of a * size^b, by least squares of the logarithms. Sizes and values are above 0, two at least."""
    exponent, start = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(np.exp(start)), float(exponent)


def fit(rows: Sequence[Row]) -> list[Row]:
    """A row for each figure: its exponent and what it would be at FAR. Nothing where it was not measured twice."""
    sizes = [float(row["products"]) for row in rows]
    told = []
    for name, value in rows[0].items():
        values = [row[name] for row in rows]
        is_figure = isinstance(value, int | float) and name not in ("products", "processes")
        if len(rows) < 2 or not is_figure or min(values) <= 0 or "recall" in name:
            continue
        start, exponent = power_law(sizes, values)
        told.append(
            {"figure": name, "exponent": round(exponent, 2)}
            | {f"at {size:,}": float(f"{start * size**exponent:.3g}") for size in FAR}
        )
    return told


def show(told: dict[str, Any]) -> None:
    """For people: a column a size, and behind them the law."""
    console = Console(width=150, highlight=False)
    laws = {row["figure"]: row for row in told["laws"]}
    table = Table(title=f"{DIMENSION} numbers a product; extrapolated beyond the measured sizes")
    table.add_column("figure")
    for row in told["rows"]:
        table.add_column(f"{row['products']:,}", justify="right")
    for name in ("exponent", *(f"at {size:,}" for size in FAR)):
        table.add_column(name, justify="right")
    for name in list(told["rows"][0])[1:]:
        law = laws.get(name, {})
        cells = [_shown(row[name]) for row in told["rows"]]
        table.add_row(name, *cells, *(_shown(value) for key, value in law.items() if key != "figure"))
    console.print(table)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.3f}" if abs(value) < 100 and isinstance(value, float) else f"{value:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    log.setLevel(logging.INFO)
    rows = []
    for size in arguments.sizes.split(","):
        # A server of its own for each, so that memory is that of this size.
        shared_before = shared_mb()
        with own_postgres() as embedded:
            rows.append(measure(embedded, int(size), arguments.queries, shared_before))
    told = {"dimension": DIMENSION, "rows": rows, "laws": fit(rows)}
    if arguments.json:
        print(json.dumps(told, indent=1))
    else:
        show(told)


if __name__ == "__main__":
    main()
