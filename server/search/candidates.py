"""The nearest products that pass a filter: counts, picks the path, goes it, and goes another one where it falls short.

All of one search happens in one transaction, begun by `begin`, and is ranked by one model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from pgvector import HalfVector
from psycopg.rows import args_row, class_row

from server.embedding.current import ActiveModel
from server.embedding.encoder import Vector
from server.search import plan as planning
from server.search.basis import Basis
from server.search.hits import Candidate, Hit
from server.search.plan import Costs, Path, Plan, Size
from server.search.query import Filters
from server.search.statements import SQL, with_words


class ModelMoved(Exception):
    """The catalogue has another model than the one that made the query's vector. The search is to be made again."""

    def __init__(self, active: ActiveModel) -> None:
        super().__init__(active)
        self.active = active


@dataclass(frozen=True)
class Wanted:
    """Which products, near to what.

    model: the digest of the model that made `vector`. match: a tsquery that the products' words must satisfy, of the
    query; also: one more, of a part of it.
    """

    filters: Filters
    vector: Vector | None = None
    model: str | None = None
    match: str | None = None
    also: str | None = None

    @property
    def narrow(self) -> bool:
        """Whether the narrow table alone can tell which products pass."""
        return bool(self.filters.attributes or self.asks_words)

    @property
    def asks_words(self) -> bool:
        """Whether words must or must not be there."""
        return bool(self.match or self.also)

    @property
    def narrows(self) -> bool:
        """Whether any product is kept out."""
        return self.narrow or self.filters.narrows

    def same_products(self, other: "Wanted") -> bool:
        """Whether the same products pass."""
        return (self.filters, self.match, self.also) == (other.filters, other.match, other.also)

    def filter_parameters(self) -> dict[str, Any]:
        """What tells which products pass."""
        return {**self.filters.parameters(), "match": self.match, "also": self.also}

    def parameters(self) -> dict[str, Any]:
        """The same, and the vector."""
        return {**self.filter_parameters(), "vector": None if self.vector is None else HalfVector(self.vector)}


@dataclass(frozen=True)
class Begun:
    """A search under way: its transaction, the model of the catalogue, and one that is coming.

    size: how many products pass what was wanted at the beginning.
    """

    connection: psycopg.Connection
    active: ActiveModel | None
    coming: ActiveModel | None
    basis_key: int | None
    wanted: Wanted
    size: Size


def begin(connection: psycopg.Connection, wanted: Wanted) -> Begun:
    """Set what a search needs for this transaction, make sure of the model, and measure the filter: one round trip.

    The lock keeps `product` from a change of the model until the transaction ends, and the model is read behind it; so
    all that this transaction ranks is ranked by that model. Raises ModelMoved where it did not make the vector.
    """
    with connection.pipeline():
        connection.execute(SQL["settings"], prepare=True)
        asking = connection.execute(SQL["model"], prepare=True)
        measuring = _ask_size(connection, wanted, planning.MOST + 1)
        models = asking.fetchall()
        size = _size(measuring, planning.MOST + 1)
    active = next((ActiveModel(*row[:3]) for row in models if row[3]), None)
    coming = next((ActiveModel(*row[:3]) for row in models if not row[3]), None)
    if wanted.vector is not None and active is not None and active.digest != wanted.model:
        raise ModelMoved(active)
    basis_key = next((row[4] for row in models if row[3]), None)
    return Begun(connection, active, coming, basis_key, wanted, size)


def measure(begun: Begun, wanted: Wanted, most: int | None = None) -> Size:
    """How many products pass: counted up to `most` (MOST + 1), estimated by Postgres beyond."""
    if most is None and wanted.same_products(begun.wanted):
        return begun.size
    most = most or planning.MOST + 1
    with begun.connection.pipeline():
        return _size(_ask_size(begun.connection, wanted, most), most)


_Measuring = tuple[psycopg.Cursor[Any], psycopg.Cursor[Any] | None]


def _ask_size(connection: psycopg.Connection, wanted: Wanted, most: int) -> _Measuring:
    parameters = {**wanted.filter_parameters(), "count_up_to": most, "narrows": wanted.narrows}
    count, estimate = (SQL[with_words(name, wanted.asks_words)] for name in ("count", "estimate"))
    counting = connection.execute(count, parameters, prepare=True)
    return counting, connection.execute(estimate, parameters, prepare=True) if wanted.narrows else None


def _size(measuring: _Measuring, most: int) -> Size:
    counting, estimating = measuring
    counted, catalogue = counting.fetchone() or (0, 0)
    if counted < most:
        return Size(counted, max(catalogue, counted), is_exact=True)
    plan = None if estimating is None else estimating.fetchone()
    estimate = catalogue if plan is None else int(plan[0][0]["Plan"]["Plan Rows"])
    return Size(max(estimate, counted), max(catalogue, estimate, counted), is_exact=False)


@dataclass(frozen=True)
class Bounds:
    """Where a result that was cut at MOST ends, so that later pages cut it at the same product."""

    distance: float | None = None
    sku: str = ""
    rough: float | None = None

    @property
    def is_set(self) -> bool:
        return self.distance is not None


@dataclass(frozen=True)
class Ranked:
    """The nearest, in order, and how they were found. `bounds` is set where there were more."""

    candidates: list[Any]
    plan: Plan
    size: Size
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True)
class Ranker:
    """Ranks by vectors, in one transaction."""

    begun: Begun
    basis: Basis | None
    costs: Costs

    def plan(self, wanted: Wanted, limit: int) -> tuple[Plan, Size]:
        """The path to the `limit` nearest under this filter."""
        size = measure(self.begun, wanted)
        if self.basis is None and not size.is_exact:
            size = measure(self.begun, wanted, planning.EXACT_ROWS_WITHOUT_SKETCHES + 1)
        return planning.choose_path(size, limit, self.basis is not None, self.costs), size

    def nearest(
        self,
        wanted: Wanted,
        limit: int,
        page: bool = False,
        bounds: Bounds | None = None,
        planned: tuple[Plan, Size] | None = None,
    ) -> Ranked:
        """The `limit` nearest products that pass, never fewer than min(limit, those that pass).

        page: as whole hits, else as candidates. bounds: of an earlier page of the same result; then all within them
        come, though they are more by now. planned: the path of that page.
        """
        plan, size = planned or self.plan(wanted, limit)
        most = limit if bounds is None or not bounds.is_set else limit * 2
        if plan.path is Path.HNSW:
            found = self._walk(wanted, most, size, page)
            if found is not None:
                return self._cut(found, plan, size, limit, bounds)
            plan = self._instead(size)
        name = "sketch" if plan.path in (Path.SKETCH, Path.HNSW_THEN_SKETCH) else "exact"
        rows = self.run(name, wanted, most, page, bounds)
        return self._cut(rows, plan, size, limit, bounds)

    def given(self, wanted: Wanted, skus: Sequence[str]) -> list[Candidate]:
        """Candidates that are known already, with their distances, in no order."""
        return self.run("given", wanted, len(skus), page=False, bounds=None, skus=list(skus))

    def _instead(self, size: Size) -> Plan:
        told = "the index gave too few products that pass the filter"
        if self.basis is None:
            return Plan(Path.HNSW_THEN_EXACT, f"{told}, so all were ranked", size.matching)
        return Plan(Path.HNSW_THEN_SKETCH, f"{told}, so the sketches of all were ranked", size.matching)

    def _walk(self, wanted: Wanted, limit: int, size: Size, page: bool) -> list[Any] | None:
        """None where too few of the nearest pass the filter. What is found first tells whether another try pays.

        More are asked for than are wanted: those that lie near the end of what a walk keeps are the ones it misses.
        """
        name = "walk_narrow" if wanted.narrow else "walk"
        tries = planning.walks_for(limit, size.share)
        for number, walk in enumerate(tries):
            most = limit if walk.steps or not wanted.narrows else int(limit * planning.SAFE)
            rows = self.run(name, wanted, most, page, None, walk=walk)
            needed = min(most, size.matching)
            if len(rows) >= needed:
                return sorted(rows, key=lambda row: (row.distance, row.sku))[:limit]
            following = tries[number + 1 : number + 2]
            if not all(len(rows) * next_one.ef / walk.ef >= 1.2 * needed for next_one in following):
                break
        return None

    def run(
        self, name: str, wanted: Wanted, limit: int, page: bool = False, bounds: Bounds | None = None, **more: Any
    ) -> list[Any]:
        """One way, as candidates.sql has it, whatever comes of it. walk: how far, for those that walk."""
        parameters = {**wanted.parameters(), "limit": limit, "bound": bounds and bounds.distance}
        walk: planning.Walk | None = more.pop("walk", None)
        if name == "sketch":
            assert self.basis is not None  # noqa: S101  (the plan says so)
            assert wanted.vector is not None  # noqa: S101
            parameters |= {
                "basis": self.basis.key,
                "sketch": HalfVector(self.basis.sketch(wanted.vector)),
                "rough_bound": bounds and bounds.rough,
                "pool": planning.pool_for(limit),
            }
        form, row = (f"{name}_page", class_row(Hit)) if page else (name, args_row(Candidate))
        statement = SQL[with_words(form, wanted.asks_words and name != "given")]
        with self.begun.connection.pipeline(), self.begun.connection.cursor(binary=True, row_factory=row) as cursor:
            if walk is not None:
                settings = {
                    "ef": str(walk.ef),
                    "goes_on": "relaxed_order" if walk.steps else "off",
                    "steps": str(max(walk.steps, 1)),
                }
                self.begun.connection.execute(SQL["walk_so_far"], settings, prepare=True)
            cursor.execute(statement, {**parameters, **more}, prepare=True)
            return cursor.fetchall()

    def _cut(self, rows: list[Any], plan: Plan, size: Size, limit: int, bounds: Bounds | None) -> Ranked:
        if bounds is not None and bounds.is_set:
            end = (bounds.distance, bounds.sku)
            return Ranked([row for row in rows if (row.distance, row.sku) <= end], plan, size, bounds)
        short = size.is_exact and len(rows) < min(limit, size.matching)
        plan = replace(plan, complete=not short)
        if len(rows) < limit:
            return Ranked(rows, plan, size)
        rows = rows[:limit]
        rough = [row.rough for row in rows if row.rough is not None]
        return Ranked(rows, plan, size, Bounds(rows[-1].distance, rows[-1].sku, max(rough) if rough else None))
