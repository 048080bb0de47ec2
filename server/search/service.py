"""Search as the web pages, the API and the command line call it: words, a picture or a product in, a page out."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from PIL import Image

from server.db.engine import Database
from server.embedding.current import ActiveModel, CurrentEncoder, Loaded
from server.embedding.encoder import Encoder, Vector
from server.errors import InvalidCursor, ModelError, NotFound
from server.search.cursor import CursorCodec
from server.search.find import SQL, Counted, Found, Hit, ModelMoved, count_matching, find_page
from server.search.plan import COUNT_UP_TO, SORT_POOL, Plan
from server.search.query import Filters, Query, Sort

# How long the shop's currency and the choices of its filters are remembered.
CATALOGUE_FACTS_SECONDS = 30.0
# A change of the model makes a search begin again. That it happens twice to one search is a wonder.
MOST_MOVES = 5


@dataclass(frozen=True)
class Timing:
    """Where the time went, in milliseconds. `embedding_cached`: the query's vector was remembered."""

    embed_ms: float
    sql_ms: float
    total_ms: float
    embedding_cached: bool


@dataclass(frozen=True)
class ResultPage:
    """One page. `total` counts the whole result, of which this page is a part; exact below COUNT_UP_TO.

    model: the one that ranked all of the page; None where nothing was ranked.
    """

    hits: list[Hit]
    total: int
    next_cursor: str | None
    plan: Plan
    timing: Timing
    currency: str
    model: ActiveModel | None = None

    @property
    def total_is_exact(self) -> bool:
        """False where there are `total` products or more."""
        return self.total < COUNT_UP_TO


class SearchService:
    """Finds products by words, by picture or by likeness, under filters. Thread-safe."""

    def __init__(
        self, database: Database, encoder: Encoder | CurrentEncoder, secret_key: str, currency: str | None
    ) -> None:
        """`currency` is the shop's where somebody chose it; None: that of most products."""
        self._database = database
        self._current = CurrentEncoder.of(encoder)
        self._cursors = CursorCodec(secret_key)
        self._fixed_currency = currency
        self._facts: dict[tuple[Any, ...], tuple[float, Any]] = {}

    # -- the four ways to ask ----------------------------------------------------------------------------------

    def by_text(self, text: str, query: Query) -> ResultPage:
        """Products that look like `text`. Blank text browses."""
        if not text.strip():
            return self._browse(query)
        return self._ranked(query, lambda loaded: loaded.embed_query(text))

    def by_image(self, image: Image.Image | Callable[[Encoder], Image.Image], query: Query) -> ResultPage:
        """Products that look like an RGB picture: the picture itself, or what decodes it as a model is to see it."""

        def embed(loaded: Loaded) -> tuple[Vector, bool]:
            picture = image if isinstance(image, Image.Image) else image(loaded.encoder)
            return loaded.encoder.embed_image(picture), False

        return self._ranked(query, embed)

    def similar(self, sku: str, query: Query) -> ResultPage:
        """Products that look like another one, which itself is left out. Raises NotFound.

        Its vector is read in the transaction that compares it, so it is of their model whichever that is.
        """
        query = self._in_the_shops_currency(replace(query, filters=replace(query.filters, not_sku=sku)))
        started = time.perf_counter()
        with self._database.connection() as connection:
            with connection.cursor(binary=True) as cursor:
                row = cursor.execute(SQL["product_vector"], {"sku": sku}).fetchone()
            if row is None or row[1] != "live" or row[0] is None:
                raise NotFound(f"There is no product {sku} in the shop.")
            vector = np.asarray(row[0].to_numpy(), dtype=np.float32)
            return self._page(connection, replace(query, vector=vector, model=row[4]), started, 0.0, cached=True)

    # -- the page ----------------------------------------------------------------------------------------------

    def _browse(self, query: Query) -> ResultPage:
        query = self._in_the_shops_currency(query)
        started = time.perf_counter()
        with self._database.connection() as connection:
            return self._page(connection, query, started, 0.0, cached=False)

    def _ranked(self, query: Query, embed: Callable[[Loaded], tuple[Vector, bool]]) -> ResultPage:
        """A page by the catalogue's model. Where it is not the one that made the vector, all is done again with it."""
        query = self._in_the_shops_currency(query)
        embedding = time.perf_counter()
        loaded = self._current.get()
        for _ in range(MOST_MOVES):
            vector, cached = embed(loaded)
            started = time.perf_counter()
            asked = replace(query, vector=vector, model=loaded.digest)
            try:
                with self._database.connection() as connection:
                    return self._page(connection, asked, started, started - embedding, cached)
            except ModelMoved as moved:
                loaded = self._current.follow(moved.active)
        raise ModelError("The model of this shop is being changed again and again. Try again in a moment.")

    def _page(self, connection: Any, query: Query, started: float, embed_seconds: float, cached: bool) -> ResultPage:
        counted = count_matching(connection, query)
        if counted.coming is not None:
            self._current.expect(counted.coming)
        fingerprint = query.fingerprint()
        after = None if query.cursor is None else self._cursors.decode(fingerprint, query.cursor, query.model)
        if query.vector is not None and query.order is not Sort.RELEVANCE:
            hits, total, position, plan = _sorted_pool(connection, query, counted, after)
        else:
            hits, total, position, plan = _keyset_page(connection, query, counted, after)
        sql_seconds = time.perf_counter() - started
        timing = Timing(
            round(embed_seconds * 1000, 3),
            round(sql_seconds * 1000, 3),
            round((embed_seconds + sql_seconds) * 1000, 3),
            cached,
        )
        cursor = None if position is None else self._cursors.encode(fingerprint, position, query.model)
        currency = query.filters.currency or query.shop_currency
        model = None if query.vector is None else counted.active
        return ResultPage(hits, total, cursor, plan, timing, currency, model)

    def _in_the_shops_currency(self, query: Query) -> Query:
        currency, filters = self.currency(), query.filters
        if filters.currency is None and (filters.price_min is not None or filters.price_max is not None):
            filters = replace(filters, currency=currency)
        return replace(query, shop_currency=currency, filters=filters)

    def check_model(self) -> ActiveModel | None:
        """The catalogue's model, which this process then uses; None where nothing is embedded yet.

        Raises OtherModel where it is not installed here.
        """
        with self._database.connection() as connection:
            row = connection.execute(SQL["active_model"]).fetchone()
        if row is None or not row[3]:
            return None
        active = ActiveModel(*row[:3])
        self._current.follow(active)
        return active

    # -- facts of the catalogue --------------------------------------------------------------------------------

    def currency(self) -> str:
        """The shop's currency: the setting's, else the one that most live products have, else USD."""
        if self._fixed_currency is not None:
            return self._fixed_currency
        rows = self._fact("common_currency", {})
        return str(rows[0][0]) if rows else "USD"

    def brands(self, limit: int = 200) -> list[tuple[str, int]]:
        """Brands and how many live products each has, the largest first."""
        return [(str(brand), int(count)) for brand, count in self._fact("brands", {"limit": limit})]

    def categories(self) -> list[tuple[str, int]]:
        """Category paths, their ancestors included, and how many live products lie at or below each."""
        counts: dict[str, int] = {}
        for path, count in self._fact("categories", {}):
            parts = str(path).split("/")
            for depth in range(1, len(parts) + 1):
                ancestor = "/".join(parts[:depth])
                counts[ancestor] = counts.get(ancestor, 0) + int(count)
        return sorted(counts.items())

    def _fact(self, name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        key = (name, *parameters.values())
        known = self._facts.get(key)
        if known is not None and known[0] > time.monotonic():
            return list(known[1])
        with self._database.connection() as connection:
            rows = connection.execute(SQL[name], parameters).fetchall()
        self._facts[key] = (time.monotonic() + CATALOGUE_FACTS_SECONDS, rows)
        return rows


_Page = tuple[list[Hit], int, list[Any] | None, Plan]


def _keyset_page(connection: Any, query: Query, counted: Counted, after: list[Any] | None) -> _Page:
    """A page that goes on behind the sort key of the last one, so that inserts and deletes do not shift it."""
    found: Found = find_page(connection, query, counted, _from_json(query, after), query.limit + 1)
    hits, more = found.hits[: query.limit], len(found.hits) > query.limit
    return hits, found.matching, _to_json(query, hits[-1]) if more else None, found.plan


def _sorted_pool(connection: Any, query: Query, counted: Counted, after: list[Any] | None) -> _Page:
    """A page of the most relevant products put into another order; they alone are the result, and its total."""
    found = find_page(connection, replace(query, sort=Sort.RELEVANCE), counted, None, SORT_POOL)
    pool = sorted(found.hits, key=lambda hit: _sort_key(query, _position(query, hit)))
    last = _from_json(query, after)
    rest = pool if last is None else [h for h in pool if _sort_key(query, _position(query, h)) > _sort_key(query, last)]
    hits, more = rest[: query.limit], len(rest) > query.limit
    return hits, len(pool), _to_json(query, hits[-1]) if more else None, found.plan


def _position(query: Query, hit: Hit) -> list[Any]:
    """What a hit is sorted by: the same values that find.sql sorts by, the SKU last."""
    if query.order is Sort.RELEVANCE:
        return [hit.distance, hit.sku]
    if query.order is Sort.NEWEST:
        return [hit.created_at, hit.sku]
    return [hit.currency != query.shop_currency, hit.current_price, hit.sku]


def _sort_key(query: Query, position: list[Any]) -> tuple[Any, ...]:
    """Positions by date or price, as something that Python sorts as find.sql does."""
    if query.order is Sort.NEWEST:
        created_at, sku = position
        return (-created_at.timestamp(), sku)
    is_foreign, price, sku = position
    sign = 1 if query.order is Sort.PRICE_ASC else -1
    return (is_foreign, price is None, sign * (price or Decimal(0)), sku)


def _to_json(query: Query, hit: Hit) -> list[Any]:
    return [_json_value(value) for value in _position(query, hit)]


def _json_value(value: Any) -> Any:
    """repr of a distance and ISO of a date keep every bit, so that SQL compares with the very same value."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _from_json(query: Query, after: list[Any] | None) -> list[Any] | None:
    if after is None:
        return None
    try:
        *values, sku = after
        if query.order is Sort.RELEVANCE:
            (distance,) = values
            return [float(distance), str(sku)]
        if query.order is Sort.NEWEST:
            (created_at,) = values
            return [datetime.fromisoformat(created_at), str(sku)]
        is_foreign, price = values
        return [bool(is_foreign), None if price is None else Decimal(price), str(sku)]
    except (ValueError, TypeError, ArithmeticError) as exc:
        raise InvalidCursor from exc


__all__ = ["Filters", "Query", "ResultPage", "SearchService", "Sort", "Timing"]
