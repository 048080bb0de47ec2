"""The order of a result, as a key that a cursor can carry."""

from decimal import Decimal
from typing import Any

from server.search.query import Query, Sort
from server.search.scoring import Scored


def sort_key(query: Query, one: Scored, is_ranked: bool) -> list[Any]:
    """What a product is sorted by, the SKU last: less comes first."""
    found = one.candidate
    if query.sort is Sort.NEWEST or (query.sort is Sort.RELEVANCE and not is_ranked):
        return [-found.created_at.timestamp(), found.sku]
    if query.sort is Sort.RELEVANCE:
        return [one.order, found.sku]
    price = found.current_price
    sign = 1 if query.sort is Sort.PRICE_ASC else -1
    return [found.currency != query.shop_currency, price is None, sign * (price or Decimal(0)), found.sku]


def stored(key: list[Any]) -> list[Any]:
    """A sort key as JSON: floats keep every bit, prices become text."""
    return [f"{value}" if isinstance(value, Decimal) else value for value in key]


def restored(key: list[Any]) -> list[Any]:
    """The sort key again. Raises ArithmeticError for what is none."""
    if len(key) == 4:
        return [key[0], key[1], Decimal(key[2]), key[3]]
    return list(key)
