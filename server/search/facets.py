"""Facets: by what the products of a result differ, and how many there are of each. Counted over the whole result."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from server.search.query import Facet

MOST_VALUES = 50
MOST_ATTRIBUTES = 12
MOST_BARS = 12
# Widths of the bars of a histogram: 1, 2, 2.5 or 5 times a power of ten.
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


class FacetRow(NamedTuple):
    """What a product is counted by."""

    sku: str
    brand: str | None
    category: str | None
    current_price: Decimal | None
    currency: str
    stock: int | None
    attributes: list[str]


@dataclass(frozen=True)
class Count:
    value: str
    products: int


@dataclass(frozen=True)
class Bar:
    """Prices from `low` to below `high`."""

    low: Decimal
    high: Decimal
    products: int


@dataclass(frozen=True)
class Facets:
    """None: not asked for. brand, attributes: the most frequent first. category: by path, each with what lies below."""

    brand: list[Count] | None = None
    category: list[Count] | None = None
    price: list[Bar] | None = None
    in_stock: int | None = None
    attributes: dict[str, list[Count]] | None = None
    lowest: Decimal | None = field(default=None)
    highest: Decimal | None = field(default=None)


def count_facets(
    rows: Sequence[FacetRow],
    wanted: Iterable[Facet],
    currency: str,
    groups: Mapping[str, str] = MappingProxyType({}),
    shown: Container[str] | None = None,
) -> Facets:
    """Count `rows` by what is wanted. Prices in other currencies than the shop's are left out.

    groups: by SKU, of which the result shows one product each: whatever of a group has a value, it counts once, since a
    filter by that value shows one of it. shown: the products that the result shows, whose prices are told; None: all.
    """
    asked = set(wanted)
    told = [row for row in rows if shown is None or row.sku in shown]
    prices = sorted(row.current_price for row in told if row.currency == currency and row.current_price is not None)

    def count(values_of: Callable[[FacetRow], Iterable[str]]) -> Counter[str]:
        if not groups:
            return Counter(chain.from_iterable(map(values_of, rows)))
        return Counter(
            value for _, value in {(groups.get(row.sku, row.sku), one) for row in rows for one in values_of(row)}
        )

    return Facets(
        brand=_most_frequent(count(lambda row: [row.brand] if row.brand else [])) if Facet.BRAND in asked else None,
        category=_tree(count(lambda row: _with_ancestors(row.category))) if Facet.CATEGORY in asked else None,
        price=histogram(prices) if Facet.PRICE in asked else None,
        in_stock=count(lambda row: [""] if row.stock is None or row.stock > 0 else [])[""]
        if Facet.STOCK in asked
        else None,
        attributes=_attributes(count(lambda row: row.attributes)) if Facet.ATTRIBUTES in asked else None,
        lowest=prices[0] if prices and Facet.PRICE in asked else None,
        highest=prices[-1] if prices and Facet.PRICE in asked else None,
    )


def _most_frequent(values: Counter[str]) -> list[Count]:
    counted = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return [Count(value, number) for value, number in counted[:MOST_VALUES]]


@lru_cache(4096)
def _with_ancestors(path: str | None) -> list[str]:
    parts = path.split("/") if path else []
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _tree(paths: Counter[str]) -> list[Count]:
    return [Count(path, number) for path, number in sorted(paths.items())]


def _attributes(pairs: Counter[str]) -> dict[str, list[Count]]:
    """Attributes that tell products apart: several values, and not one for each product."""
    values: dict[str, Counter[str]] = {}
    for pair, number in pairs.items():
        name, _, value = pair.partition("=")
        values.setdefault(name, Counter())[value] += number
    telling = [(name, found) for name, found in values.items() if 2 <= len(found) <= max(20, found.total() // 2)]
    telling.sort(key=lambda item: (-item[1].total(), item[0]))
    return {name: _most_frequent(found) for name, found in telling[:MOST_ATTRIBUTES]}


def histogram(prices: Sequence[Decimal]) -> list[Bar]:
    """Bars of one round width over sorted prices, at most MOST_BARS of them. The last one takes all that is dearer than
    nineteen of twenty prices are, so that one dear product does not make all others one bar."""
    if not prices:
        return []
    low, high = prices[0], prices[-1]
    usual = prices[int(len(prices) * 0.95)] if len(prices) > 40 else high
    width = _round_width((usual - low) / MOST_BARS)
    first = (low // width) * width
    bars: list[Bar] = []
    edge, at = first, 0
    while at < len(prices):
        end = edge + width
        is_last = len(bars) == MOST_BARS - 1
        number = sum(1 for price in prices[at:] if price < end or is_last)
        bars.append(Bar(edge, max(end, high + Decimal("0.01")) if is_last else end, number))
        edge, at = end, at + number
    return bars


def _round_width(width: Decimal) -> Decimal:
    if width <= 0:
        return Decimal(1)
    power = Decimal(10) ** width.adjusted()
    return next(step * power for step in _STEPS if step * power >= width)
