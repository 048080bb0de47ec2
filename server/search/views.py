"""The further pictures of products, where a search is to look at all of them.

A product is as near as its nearest picture. The k nearest products are then among the k nearest by their first picture
and the k nearest by a further one: whichever picture makes a product one of them, fewer than k are nearer by it.
So this finds the second k, and brings every candidate's distance down to that of its nearest picture.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.search import plan as planning
from server.search.candidates import Bounds, Ranker
from server.search.hits import Candidate, View
from server.search.plan import Walk
from server.search.statements import SQL, with_words
from server.search.transaction import Wanted, measure, walk_settings

# So many further pictures are looked for; behind them, products are placed by their first picture and what more of
# theirs was found.
MOST_VIEWS = 600


@dataclass(frozen=True)
class NearViews:
    """Products by their nearest further picture. bounds: where the list was cut; not set where it was not."""

    distances: Mapping[str, float]
    bounds: Bounds


class ViewRanker:
    """Ranks further pictures by the vector of a search, in its transaction."""

    def __init__(self, ranker: Ranker, wanted: Wanted) -> None:
        self._ranker, self._wanted = ranker, wanted
        self._connection = ranker.begun.connection
        row = self._connection.execute(SQL["views_model"]).fetchone()
        self._model: tuple[int, int] | None = None if row is None else (int(row[0]), int(row[1]))

    def nearest(self, bounds: Bounds | None) -> NearViews:
        """The nearest further pictures of products that pass the filter. bounds: of the first page, on later ones."""
        limit = MOST_VIEWS if bounds is None or not bounds.is_set else MOST_VIEWS * 2
        rows = self._walk(limit) if self._is_walked() else None
        if rows is None:
            bound = None if bounds is None else bounds.distance
            rows = self._run("views_exact", limit=limit, bound=bound)
        rows = sorted(rows, key=lambda row: (row[1], row[0]))
        if bounds is None:
            is_cut = len(rows) >= limit
            bounds = Bounds(rows[-1][1], rows[-1][0]) if is_cut else Bounds()
        elif bounds.distance is not None:
            end = bounds.distance
            rows = [row for row in rows if row[1] <= end]
        return NearViews(_nearest_of(rows), bounds)

    def of(self, skus: Sequence[str]) -> dict[str, float]:
        """Distance of the nearest further picture of each product that has any."""
        return dict(self._run("views_of", skus=list(skus))) if skus else {}

    def shown(self, skus: Sequence[str]) -> dict[str, View]:
        """The same with the picture."""
        return {row[0]: View(*row[1:]) for row in self._run("views_shown", skus=list(skus))} if skus else {}

    def _is_walked(self) -> bool:
        """Whether there are too many pictures to rank all that pass."""
        return self._passing() > planning.EXACT_ROWS_WITHOUT_SKETCHES

    def _passing(self) -> int:
        """About how many further pictures pass, as if the filter had nothing to do with who has many."""
        (total,) = self._connection.execute(SQL["views_total"]).fetchone() or (0,)
        return int(max(total, 0) * self._share())

    def _share(self) -> float:
        return measure(self._ranker.begun, self._wanted).share if self._wanted.narrows else 1.0

    def _walk(self, limit: int) -> list[tuple[str, float]] | None:
        """None where too few of the nearest pass the filter."""
        for walk in planning.walks_for(limit, self._share()):
            self._go_so_far(walk)
            rows = self._run("views_walk", limit=limit)
            if len(rows) >= limit:
                return rows
        return None

    def _go_so_far(self, walk: Walk) -> None:
        self._connection.execute(SQL["walk_so_far"], walk_settings(walk), prepare=True)
        self._ranker.begun.walk = walk

    def _run(self, name: str, **more: Any) -> list[Any]:
        if self._model is None:
            return []
        key, dimension = self._model
        form = with_words(name, self._wanted.asks_words and name in ("views_exact", "views_walk"))
        # Numbers of the database's own, without which Postgres does not know the index by the statement.
        statement = SQL[form].replace("{dimension}", f"{dimension:d}").replace("{model}", f"{key:d}")
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(statement, {**self._wanted.parameters(), **more}, prepare=True).fetchall()


def _nearest_of(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Rows with the nearest first -> the first of each product."""
    found: dict[str, float] = {}
    for sku, distance in rows:
        found.setdefault(sku, distance)
    return found


def by_nearest_view(
    views: ViewRanker, ranker: Ranker, wanted: Wanted, found: dict[str, Candidate], bounds: Bounds | None
) -> Bounds:
    """Add products that a further picture finds to `found`, and bring distances down to the nearest picture's.

    Returns where the further pictures were cut.
    """
    near = views.nearest(bounds)
    missing = [sku for sku in near.distances if sku not in found]
    if missing:
        found.update((candidate.sku, candidate) for candidate in ranker.given(wanted, missing))
    rest = views.of([sku for sku in found if sku not in near.distances])
    for sku, distance in {**near.distances, **rest}.items():
        candidate = found.get(sku)
        if candidate is not None and (candidate.distance is None or distance < candidate.distance):
            found[sku] = candidate._replace(distance=distance)
    return near.bounds
