"""The further pictures of products, where a search is to look at all of them.

A product is as near as its nearest picture. The k nearest products are then among the k nearest by their first picture
and the k nearest by a further one: whichever picture makes a product one of them, fewer than k are nearer by it.
So this finds the second k, and brings every candidate's distance down to that of its nearest picture.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from server.search import plan as planning
from server.search.candidates import Bounds, Ranker
from server.search.hits import Candidate, View
from server.search.plan import Walk
from server.search.statements import SQL, with_words
from server.search.transaction import Wanted, measure, walk_settings

# So many products are looked for by their further pictures; behind them, products are placed by their first picture and
# what more of theirs was found.
MOST_BY_VIEWS = 300
# Pictures to find them by: two of each, or more where these are of few products.
PICTURES_EACH = (2, 8)
# Where a filter fights the query, up to so many pictures are ranked after all. Beyond, what the walk gave has to do: no
# product is lost by it, since each is found by its first picture.
MOST_RANKED = 50_000


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
        """Products that pass the filter by their nearest further picture. bounds: of the first page, on later ones."""
        limit = MOST_BY_VIEWS if bounds is None or not bounds.is_set else MOST_BY_VIEWS * 2
        passing = self._passing()
        rows, is_cut = self._walk(limit, passing) if passing > planning.EXACT_ROWS_WITHOUT_SKETCHES else (None, False)
        if rows is None:
            rows = self._run("views_exact", limit=limit, bound=None if bounds is None else bounds.distance)
            is_cut = len(rows) >= limit
        rows = sorted(rows, key=lambda row: (row[1], row[0]))
        if bounds is None:
            bounds = Bounds(rows[-1][1], rows[-1][0]) if is_cut and rows else Bounds()
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

    def _passing(self) -> int:
        """About how many further pictures pass, as if the filter had nothing to do with who has many."""
        (total,) = self._connection.execute(SQL["views_total"]).fetchone() or (0,)
        return int(total * self._share)

    @cached_property
    def _share(self) -> float:
        """The part of the catalogue that passes."""
        return measure(self._ranker.begun, self._wanted).share if self._wanted.narrows else 1.0

    def _walk(self, products: int, passing: int) -> tuple[list[tuple[str, float]] | None, bool]:
        """The nearest pictures of about so many products, and whether there are more; None: all are to be ranked."""
        rows: list[tuple[str, float]] = []
        for each in PICTURES_EACH:
            pictures = each * products
            for walk in planning.walks_for(pictures, self._share):
                self._go_so_far(walk)
                rows = self._run("views_walk", limit=pictures)
                if len(rows) >= pictures:
                    break
            else:
                return (rows, True) if passing > MOST_RANKED else (None, False)
            if len({sku for sku, _ in rows}) >= products:
                break
        return rows, True

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
