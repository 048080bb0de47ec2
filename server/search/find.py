"""Runs the statements of find.sql: counts, picks the path, fills the page."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from pgvector import HalfVector
from psycopg.rows import class_row

from server.db.named_sql import load
from server.embedding.current import ActiveModel
from server.search import plan as planning
from server.search.plan import Path, Plan
from server.search.query import Query, Sort

_FILE = load(__file__, "find.sql")


def _compose(name: str) -> str:
    """A statement of find.sql with the shared parts put in. Both are code of that file, never values."""
    return _FILE[name].replace("{filter}", _FILE["filter"]).replace("{columns}", _FILE["columns"])


SQL = {name: _compose(name) for name in _FILE if name not in ("filter", "columns")}


@dataclass(frozen=True)
class Hit:
    """A found product. `distance` is the cosine distance (0 to 2) to the query, None without one."""

    sku: str
    item_group: str | None
    title: str
    brand: str | None
    category: str | None
    price: Decimal | None
    sale_price: Decimal | None
    currency: str
    stock: int | None
    image_sha256: str | None
    created_at: datetime
    distance: float | None
    media_type: str | None

    @property
    def current_price(self) -> Decimal | None:
        """What the shopper pays."""
        return self.price if self.sale_price is None else self.sale_price

    @property
    def score(self) -> float | None:
        """Cosine similarity, 1 for the same direction."""
        return None if self.distance is None else 1.0 - self.distance


@dataclass(frozen=True)
class Found:
    """One page of hits, how many products pass the filter (at most COUNT_UP_TO), and how they were found."""

    hits: list[Hit]
    matching: int
    plan: Plan


def _parameters(query: Query) -> dict[str, Any]:
    filters = query.filters
    return {
        "currency": filters.currency,
        "price_min": filters.price_min,
        "price_max": filters.price_max,
        "category": filters.category,
        "brands": list(filters.brands) or None,
        "in_stock": filters.in_stock,
        "not_sku": filters.not_sku,
        "vector": None if query.vector is None else HalfVector(query.vector),
        "after_sku": None,
        "after_distance": None,
        "after_value": None,
        "after_foreign": None,
        "shop_currency": query.shop_currency,
        "count_up_to": planning.COUNT_UP_TO,
    }


class ModelMoved(Exception):
    """The catalogue has another model than the one that made the query's vector. The search is to be made again."""

    def __init__(self, active: ActiveModel) -> None:
        super().__init__(active)
        self.active = active


@dataclass(frozen=True)
class Counted:
    """How many products pass the filter (at most COUNT_UP_TO), the model of the catalogue, and one that is coming."""

    matching: int
    active: ActiveModel | None
    coming: ActiveModel | None


def count_matching(connection: psycopg.Connection, query: Query) -> Counted:
    """Begin a search: set what it needs for this transaction, count, and make sure of the model.

    The count locks `product` against a change of the model until the transaction ends, and the model is read behind
    it; so all that this transaction ranks is ranked by that model. Raises ModelMoved where it did not make the vector.
    """
    settings = {"ef_search": str(planning.EF_SEARCH), "max_scan_tuples": str(planning.MAX_SCAN_TUPLES)}
    # One round trip for BEGIN, the settings, the count and the model.
    with connection.pipeline():
        connection.execute(SQL["settings"], settings, prepare=True)
        counting = connection.execute(SQL["count_matching"], _parameters(query), prepare=True)
        asking = connection.execute(SQL["active_model"], prepare=True)
    counted, models = counting.fetchone(), asking.fetchall()
    active = next((ActiveModel(*model) for *model, is_active in models if is_active), None)
    coming = next((ActiveModel(*model) for *model, is_active in models if not is_active), None)
    if query.vector is not None and active is not None and active.digest != query.model:
        raise ModelMoved(active)
    return Counted(int(counted[0]) if counted else 0, active, coming)


def find_page(
    connection: psycopg.Connection, query: Query, counted: Counted, after: list[Any] | None, limit: int
) -> Found:
    """The best `limit` products behind the position `after` (None: from the beginning), in the query's own order.

    Never fewer than min(limit, products that pass the filter and come behind `after`). In the transaction of
    `count_matching`.
    """
    parameters = _parameters(query)
    if after is not None:
        names = {Sort.RELEVANCE: ("after_distance",), Sort.NEWEST: ("after_value",)}
        parameters |= zip((*names.get(query.order, ("after_foreign", "after_value")), "after_sku"), after, strict=True)
    matching = counted.matching
    plan = planning.choose_plan(matching, query.vector is not None, after is None)
    if plan.path is Path.BROWSE:
        return Found(_run(connection, f"browse_{query.order}", parameters, limit), matching, plan)
    if plan.path is Path.HNSW:
        hits = _run(connection, "find_hnsw", parameters, limit + planning.TIE_MARGIN)
        if len(hits) >= min(limit, matching):
            return Found(hits[:limit], matching, plan)
        plan = Plan(Path.HNSW_THEN_EXACT, f"the index gave {len(hits)} of {limit}, so all were ranked")
    return Found(_run(connection, "find_exact", parameters, limit), matching, plan)


def _run(connection: psycopg.Connection, name: str, parameters: dict[str, Any], limit: int) -> list[Hit]:
    with connection.cursor(binary=True, row_factory=class_row(Hit)) as cursor:
        return cursor.execute(SQL[name], {**parameters, "limit": limit}, prepare=True).fetchall()
