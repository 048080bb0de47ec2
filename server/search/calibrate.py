"""What the ways of ranking take on this machine, measured on its own catalogue; kept in `search_settings`.

Each way is run for some products' own vectors: the walk with few and with many candidates, sketches and exact ranking
under price filters that leave a small and a large part. The costs are the lines through the medians.
"""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from server.db.engine import Database
from server.embedding.encoder import Vector
from server.errors import BadRequest
from server.search import plan as planning
from server.search.basis import load_basis
from server.search.candidates import Ranker
from server.search.plan import Costs, Path, Plan, Size, Walk
from server.search.query import Filters
from server.search.statements import SQL
from server.search.transaction import Begun, Wanted, begin, measure

# Of fewer products everything is quick, and there is nothing to choose.
FEWEST = 5_000
QUERIES = 20


@dataclass(frozen=True)
class Calibration:
    """What was measured, and under which filters: milliseconds by what was run."""

    costs: Costs
    medians: dict[str, float]


def calibrate(database: Database) -> Calibration | None:
    """Measure and keep the costs; None where there are so few products that every way is quick.

    Raises BadRequest where they have no sketches or no prices.
    """
    with database.turns() as connection:
        begun = begin(connection, Wanted(Filters()))
        basis = None if begun.basis_key is None else load_basis(connection, begun.basis_key)
        rows = connection.execute(SQL["some_vectors"], {"limit": QUERIES}).fetchall()
        if measure(begun, Wanted(Filters()), FEWEST).matching < FEWEST:
            return None
        if len(rows) < QUERIES or basis is None:
            raise BadRequest(
                "The products have no vectors or no sketches yet. Look at `vitrine coverage`, and run "
                "`vitrine search refresh` before this."
            )
        vectors = [np.asarray(row[0].to_numpy(), np.float32) for row in rows]
        ranker = Ranker(begun, basis, Costs())
        found = _measure(ranker, vectors, _windows(begun))
        connection.execute(SQL["keep_costs"], {"costs": json.dumps(asdict(found.costs))})
    return found


@dataclass(frozen=True)
class _Window:
    filters: Filters
    matching: int


def _windows(begun: Begun) -> list[_Window]:
    """Price filters that leave about EXACT_ROWS products, and ten times as many."""
    found = []
    for matching in (planning.EXACT_ROWS, planning.EXACT_ROWS * 10):
        row = begun.connection.execute(SQL["price_window"], {"products": matching}).fetchone()
        if row is None or row[1] is None:
            raise BadRequest("Calibration filters by price, and too few products have one.")
        filters = Filters(price_max=Decimal(row[1]), currency=row[0])
        size = measure(begun, Wanted(filters), 100 * matching)
        found.append(_Window(filters, size.matching))
    return found


def _measure(ranker: Ranker, vectors: Sequence[Vector], windows: Sequence[_Window]) -> Calibration:
    everything = Wanted(Filters())

    def walk(ef: int) -> Callable[[Wanted], Any]:
        return lambda wanted: ranker.run("walk", wanted, ef, walk=Walk(ef, 0))

    def rank(path: Path, limit: int, window: _Window) -> Callable[[Wanted], Any]:
        size = Size(window.matching, window.matching, True)
        return lambda wanted: ranker.nearest(wanted, limit, planned=(Plan(path, ""), size))

    few, many = windows
    medians = {
        "walk, 200 candidates": _median(walk(200), everything, vectors),
        "walk, 1,000 candidates": _median(walk(1_000), everything, vectors),
        f"exact, {few.matching:,} products": _median(rank(Path.EXACT, few.matching, few), Wanted(few.filters), vectors),
        f"sketches of {few.matching:,}": _median(rank(Path.SKETCH, 20, few), Wanted(few.filters), vectors),
        f"sketches of {many.matching:,}": _median(rank(Path.SKETCH, 20, many), Wanted(many.filters), vectors),
    }
    walk_few, walk_many, exact, sketch_few, sketch_many = medians.values()
    walk_row = max((walk_many - walk_few) / 800, 1e-5)
    sketch_row = max((sketch_many - sketch_few) / max(many.matching - few.matching, 1), 1e-6)
    exact_row = max(exact / max(few.matching, 1), 1e-5)
    pool = min(few.matching, planning.pool_for(20, few.matching))
    costs = Costs(
        walk_start=max(walk_few - walk_row * 200, 0.0),
        walk_row=walk_row,
        sketch_start=max(sketch_few - sketch_row * few.matching - exact_row * pool, 0.0),
        sketch_row=sketch_row,
        exact_row=exact_row,
    )
    return Calibration(Costs(**{name: round(value, 6) for name, value in asdict(costs).items()}), medians)


def _median(run: Callable[[Wanted], Any], wanted: Wanted, vectors: Sequence[Vector]) -> float:
    """Milliseconds; the first round warms up."""
    took = []
    for number, vector in enumerate([*vectors[:3], *vectors]):
        asked = Wanted(wanted.filters, vector)
        began = time.perf_counter()
        run(asked)
        if number >= 3:
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)
