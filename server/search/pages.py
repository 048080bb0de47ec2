"""One page of a result: hits, total, facets, and the way to the next one."""

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from psycopg.rows import class_row

from server.embedding.current import ActiveModel
from server.search import plan as planning
from server.search.candidates import Ranker
from server.search.cursor import Place
from server.search.facets import FacetRow, Facets, count_facets
from server.search.hits import Hit
from server.search.ordering import restored, sort_key, stored
from server.search.plan import Plan
from server.search.query import Facet, Query, Sort, Views
from server.search.result_set import Asked, Builder, Decided, ResultSet
from server.search.scoring import Scored
from server.search.statements import SQL
from server.search.transaction import Wanted
from server.search.understanding import Understanding
from server.search.views import ViewRanker

NOTHING = Decided()


@dataclass(frozen=True)
class Timing:
    """Where the time went, in milliseconds. `embedding_cached`: the query's vector was remembered."""

    embed_ms: float = 0.0
    sql_ms: float = 0.0
    total_ms: float = 0.0
    embedding_cached: bool = False
    began: float = 0.0
    embedded_at: float = 0.0

    @classmethod
    def begin(cls) -> "Timing":
        """The clock starts."""
        now = time.perf_counter()
        return cls(began=now, embedded_at=now)

    def embedded(self, cached: bool) -> "Timing":
        """The query's vector is there."""
        now = time.perf_counter()
        took = round((now - self.began) * 1000, 3)
        return replace(self, embed_ms=took, embedding_cached=cached, embedded_at=now)

    def done(self) -> "Timing":
        """So is the page."""
        now = time.perf_counter()
        sql, total = now - self.embedded_at, now - self.began
        return replace(self, sql_ms=round(sql * 1000, 3), total_ms=round(total * 1000, 3))


@dataclass(frozen=True)
class ResultPage:
    """One page. `total` counts the whole result, of which this page is a part.

    total_is_exact: False where there are more than `total`, which then is MOST. model: the one that ranked; None where
    no vector did. understanding: of what was typed. redirect: where somebody wants shoppers sent who type this.
    """

    hits: list[Hit]
    total: int
    total_is_exact: bool
    next_cursor: str | None
    plan: Plan
    currency: str
    facets: Facets | None = None
    timing: Timing = field(default_factory=Timing)
    model: ActiveModel | None = None
    understanding: Understanding | None = None
    redirect: str | None = None


def make_page(
    ranker: Ranker, query: Query, asked: Asked, place: Place, is_first: bool, encode: Callable[[Place], str]
) -> ResultPage:
    """The page of `query` that begins at `place`. encode: makes a cursor of the place where it ends."""
    has_words = bool(asked.text.groups or asked.whole)
    if is_first and not has_words and is_beginning_enough(query, asked.wanted):
        return _beginning(ranker, query, asked, place, encode)
    result = Builder(ranker, query, asked, None if is_first else place.decided).build()
    scored, is_ranked = result.scored, result.plan.path is not planning.Path.BROWSE
    rest = scored if is_first else _behind(query, scored, place, is_ranked)
    rest = rest[: max(0, planning.MOST - place.shown)]
    hits, used = _hits(ranker, query, rest)
    if query.views is Views.ALL and asked.wanted.vector is not None:
        hits = _with_views(ViewRanker(ranker, asked.wanted), hits)
    cursor = None
    if used < len(rest):
        last = sort_key(query, rest[used - 1], is_ranked)
        after = stored(last if is_first else max(last, restored(place.after)))
        cursor = encode(replace(place, after=after, shown=place.shown + used, seen=[], decided=result.decided))
    return ResultPage(
        hits=hits,
        total=len(scored) if is_first else max(len(scored), place.shown + len(hits)),
        total_is_exact=not result.is_cut,
        next_cursor=cursor,
        plan=result.plan,
        currency=query.filters.currency or query.shop_currency,
        facets=_facets(ranker, query, result),
    )


def is_beginning_enough(query: Query, wanted: Wanted) -> bool:
    """Whether a first page without words needs no more than the nearest few: nothing is counted, sorted, scored or left
    out."""
    return (
        wanted.vector is not None
        and query.sort is Sort.RELEVANCE
        and not (query.facets or query.relevant_only or query.collapse or query.explain)
        and query.views is Views.FIRST
    )


def beginning_limit(query: Query) -> int:
    """So many of the nearest tell the page, and whether there is another one."""
    return query.limit + 1 + planning.TIE_MARGIN


def _beginning(ranker: Ranker, query: Query, asked: Asked, place: Place, encode: Callable[[Place], str]) -> ResultPage:
    ranked = ranker.nearest(asked.wanted, beginning_limit(query), page=True)
    size = ranked.size
    hits, more = ranked.candidates[: query.limit], len(ranked.candidates) > query.limit
    cursor = None
    if more:
        after = [hits[-1].distance, hits[-1].sku]
        seen = [_mark(hit.sku) for hit in hits]
        cursor = encode(replace(place, after=after, shown=len(hits), seen=seen, decided=Decided(whole=False)))
    is_exact = size.is_exact and size.matching <= planning.MOST
    total = size.matching if is_exact else planning.MOST
    currency = query.filters.currency or query.shop_currency
    return ResultPage(hits, total, is_exact, cursor, ranked.plan, currency)


def _behind(query: Query, scored: list[Scored], place: Place, is_ranked: bool) -> list[Scored]:
    after, seen = restored(place.after), set(place.seen)
    # What the first page's quick look at the beginning did not find comes now, rather than not at all.
    late = [one for one in scored if seen and sort_key(query, one, is_ranked) <= after]
    late = [one for one in late if _mark(one.candidate.sku) not in seen]
    return late + [one for one in scored if sort_key(query, one, is_ranked) > after]


def _mark(sku: str) -> int:
    """Tells the few products of a page apart in four bytes."""
    return zlib.crc32(sku.encode())


def _hits(ranker: Ranker, query: Query, rest: list[Scored]) -> tuple[list[Hit], int]:
    """The next products that are still there, and how many of `rest` that took."""
    found: list[Hit] = []
    used = 0
    while used < len(rest) and len(found) < query.limit:
        some = rest[used : used + query.limit - len(found)]
        used += len(some)
        with ranker.begun.connection.cursor(binary=True, row_factory=class_row(Hit)) as cursor:
            rows = cursor.execute(SQL["rows"], {"skus": [one.candidate.sku for one in some]}, prepare=True).fetchall()
        by_sku = {row.sku: row for row in rows}
        for one in some:
            hit = by_sku.get(one.candidate.sku)
            if hit is not None:
                parts = one.parts if query.explain else None
                found.append(replace(hit, distance=one.candidate.distance, parts=parts))
    return found, used


def _with_views(views: ViewRanker, hits: list[Hit]) -> list[Hit]:
    """With the pictures that they were found by, where those are not the first ones."""
    shown = views.shown([hit.sku for hit in hits])
    return [
        replace(hit, view=view)
        if (view := shown.get(hit.sku)) is not None and hit.distance is not None and view.distance <= hit.distance
        else hit
        for hit in hits
    ]


def _facets(ranker: Ranker, query: Query, result: ResultSet) -> Facets | None:
    if not query.facets:
        return None
    with ranker.begun.connection.cursor(binary=True) as cursor:
        products = {one.candidate.sku: one.candidate.item_group for one in (*result.scored, *result.variants)}
        asked = {"skus": list(products), "by_attributes": Facet.ATTRIBUTES in query.facets}
        rows = cursor.execute(SQL["facet_rows"], asked, prepare=True).fetchall()
    shown = {one.candidate.sku for one in result.scored}
    groups = {sku: group for sku, group in products.items() if group is not None} if query.collapse else {}
    return count_facets([FacetRow._make(row) for row in rows], query.facets, query.shop_currency, groups, shown)
