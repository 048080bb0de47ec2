"""The nearest products that pass a filter: counts, picks the path, goes it, and goes another one where it falls short.

All of one search happens in one transaction, begun by `begin`, and is ranked by one model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pgvector import HalfVector
from psycopg.rows import args_row, class_row

from server.search import plan as planning
from server.search.basis import Basis
from server.search.hits import Candidate, Hit
from server.search.plan import Costs, Path, Plan, Size
from server.search.statements import with_words
from server.search.transaction import Begun, Statement, Wanted, measure, run


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


def is_answered(begun: Begun, limit: int) -> bool:
    """Whether a page of everything comes from one walk of the index: made ahead, or to be made."""
    is_large = begun.products > 2 * planning.EXACT_ROWS_WITHOUT_SKETCHES
    return is_large and (begun.ahead is None or len(begun.ahead) >= limit)


def in_order(rows: Sequence[Any]) -> list[Any]:
    """Hits or candidates, the nearest first; equally near ones by SKU."""
    return sorted(rows, key=lambda row: (row.distance, row.sku))


def walk_of_everything(wanted: Wanted, limit: int) -> Statement:
    """The walk that answers a page without a filter, to be made ahead of knowing how many products there are."""
    return Statement("walk_page", {**wanted.parameters(), "limit": limit}, class_row(Hit))


@dataclass(frozen=True)
class Ranker:
    """Ranks by vectors, in one transaction."""

    begun: Begun
    basis: Basis | None
    costs: Costs

    @property
    def has_sketches(self) -> bool:
        """Whether products can be ranked by sketches now."""
        return self.basis is not None and self.begun.is_sketched

    def plan(self, wanted: Wanted, limit: int) -> tuple[Plan, Size]:
        """The path to the `limit` nearest under this filter."""
        size = measure(self.begun, wanted)
        if self.begun.ahead is not None:
            return planning.walk_plan(size, limit), size
        if not self.has_sketches and not size.is_exact:
            size = measure(self.begun, wanted, planning.EXACT_ROWS_WITHOUT_SKETCHES + 1)
        return planning.choose_path(size, limit, self.has_sketches, self.costs), size

    def nearest(
        self,
        wanted: Wanted,
        limit: int,
        page: bool = False,
        bounds: Bounds | None = None,
        planned: tuple[Plan, Size] | None = None,
    ) -> Ranked:
        """The `limit` nearest products that pass, never fewer than min(limit, those that pass).

        page: as whole hits, and the transaction may end with them; else as candidates. bounds: of an earlier page of
        the same result; then all within them come, though they are more by now. planned: the path of that page.
        """
        plan, size = planned or self.plan(wanted, limit)
        most = limit if bounds is None or not bounds.is_set else limit * 2
        if plan.path is Path.HNSW:
            ahead = self.begun.ahead
            found = self._walk(wanted, most, size, page) if ahead is None else in_order(ahead)
            if found is not None:
                return self._cut(found, plan, size, limit, bounds)
            plan = self._instead(size)
        name = "sketch" if plan.path in (Path.SKETCH, Path.HNSW_THEN_SKETCH) else "exact"
        pool = planning.pool_for(most, size.matching)
        rows = self.run(name, wanted, most, page, bounds, pool=pool, is_last=page)
        return self._cut(rows, plan, size, limit, bounds)

    def given(self, wanted: Wanted, skus: Sequence[str]) -> list[Candidate]:
        """Candidates that are known already, with their distances, in no order."""
        return self.run("given", wanted, len(skus), page=False, bounds=None, skus=list(skus))

    def _instead(self, size: Size) -> Plan:
        told = "the index gave too few products that pass the filter"
        if not self.has_sketches:
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
                return in_order(rows)[:limit]
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
        is_last: bool = more.pop("is_last", False)
        if name == "sketch":
            assert self.basis is not None  # noqa: S101  (the plan says so)
            assert wanted.vector is not None  # noqa: S101
            parameters |= {
                "basis": self.basis.key,
                "sketch": HalfVector(self.basis.sketch(wanted.vector)),
                "rough_bound": bounds and bounds.rough,
            }
        form, row = (f"{name}_page", class_row(Hit)) if page else (name, args_row(Candidate))
        form = with_words(form, wanted.asks_words and name != "given")
        return run(self.begun, Statement(form, {**parameters, **more}, row), walk, is_last)

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
