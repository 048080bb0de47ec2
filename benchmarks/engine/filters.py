"""Filters that leave a chosen share of a catalogue and have nothing to do with a query, agree with it, or fight it.

A filter compares price and category, so the relation is written into these columns. In one catalogue both are drawn at
random: its filters are independent of any query. In the other one the price is the number of the product's cluster, and
the category follows the clusters in another order: a window of prices, or a category, is then a set of whole clusters.
It agrees with a query whose cluster it holds, and fights one whose cluster it leaves out, from as far away as it can.

Categories are a tree of halves, tenths, hundredths and thousandths, so that one path leaves each share.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clusters import Labels
from server.search.query import Filters

SHARES = (0.5, 0.1, 0.01, 0.001)
LEAVES = 1000
CURRENCY = "USD"
# So much of a filter by both is left to the category; the price does the rest. Under half of all there is no smaller
# category than half, so there the price leaves out a tenth of it alone, and 45% pass.
CATEGORY_SHARE = {0.5: 0.5, 0.1: 0.5, 0.01: 0.1, 0.001: 0.01}
MOST_OF_A_CATEGORY = 0.9

Cents = NDArray[np.int64]


class By(StrEnum):
    """What a filter compares."""

    PRICE = "price"
    CATEGORY = "category"
    BOTH = "price and category"


class Relation(StrEnum):
    """What a filter has to do with the query."""

    INDEPENDENT = "independent"
    AGREEING = "agreeing"
    FIGHTING = "fighting"


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    by: By
    share: float
    relation: Relation


def cases(relations: tuple[Relation, ...] = tuple(Relation)) -> list[Case]:
    """All of these relations."""
    return [Case(by, share, relation) for relation in relations for by in By for share in SHARES]


@dataclass(frozen=True)
class Bounds:
    """A filter: prices in cents, both included, and leaves of the category tree from `first` up to below `last`."""

    low: int | None = None
    high: int | None = None
    first: int | None = None
    last: int | None = None

    def filters(self) -> Filters:
        """The same as the search room takes it."""
        return Filters(
            price_min=None if self.low is None else money(self.low),
            price_max=None if self.high is None else money(self.high),
            currency=None if self.low is None and self.high is None else CURRENCY,
            category=None if self.first is None or self.last is None else path_of(self.first, self.last - self.first),
        )


@dataclass(frozen=True)
class Columns:
    """What the products are filtered by. `cluster` and `weight` (products in each): None where columns are random."""

    price: Cents  # (n,)
    leaf: Labels  # (n,), 0 to LEAVES - 1
    by_cluster: "Clustered | None" = None

    def passing(self, bounds: Bounds) -> NDArray[np.bool_]:
        """(n,): whether a product passes."""
        passes = np.ones(len(self.price), np.bool_)
        if bounds.low is not None:
            passes &= self.price >= bounds.low
        if bounds.high is not None:
            passes &= self.price <= bounds.high
        if bounds.first is not None and bounds.last is not None:
            passes &= (self.leaf >= bounds.first) & (self.leaf < bounds.last)
        return passes

    def choose(self, case: Case, number: int, cluster: int) -> Bounds:
        """The filter of a case for query `number`, of that cluster."""
        if case.relation is Relation.INDEPENDENT:
            return self._independent(case, number)
        assert self.by_cluster is not None
        return self.by_cluster.choose(case, cluster)

    @cached_property
    def _sorted_prices(self) -> Cents:
        return np.sort(self.price)

    def _independent(self, case: Case, number: int) -> Bounds:
        share = {By.PRICE: 1.0, By.CATEGORY: case.share, By.BOTH: CATEGORY_SHARE[case.share]}[case.by]
        bounds = Bounds()
        if case.by is not By.CATEGORY:
            part = min(case.share / share, 1.0 if case.by is By.PRICE else MOST_OF_A_CATEGORY)
            place = min(len(self.price) - 1, round(part * len(self.price)))
            bounds = Bounds(high=int(self._sorted_prices[place]))
        if case.by is By.PRICE:
            return bounds
        first, last = block(share, number % blocks(share))
        return Bounds(None, bounds.high, first, last)


@dataclass(frozen=True)
class Clustered:
    """Columns that follow the clusters, by cluster: how many products it has, and its leaf of the category tree."""

    weight: NDArray[np.float64]  # (clusters,), sum 1
    leaf: Labels = field(repr=False)  # (clusters,)

    def choose(self, case: Case, cluster: int) -> Bounds:
        """A set of whole clusters that holds the query's, or leaves it out."""
        fights = case.relation is Relation.FIGHTING
        if case.by is By.CATEGORY:
            return Bounds(None, None, *self._block(case.share, cluster, fights))
        weight, first, last = self.weight, None, None
        if case.by is By.BOTH:
            first, last = self._block(CATEGORY_SHARE[case.share], cluster, fights)
            weight = np.where((self.leaf >= first) & (self.leaf < last), weight, 0.0)
        share = min(case.share, MOST_OF_A_CATEGORY * float(weight.sum()))
        start = (cluster + len(weight) // 2) % len(weight) if fights else cluster
        low, high = window(weight, start, share, shut=cluster if fights else None)
        return Bounds(price_of(low), price_of(high) + 99, first, last)

    def _block(self, share: float, cluster: int, fights: bool) -> tuple[int, int]:
        """Leaves of the query's own category; or of the one farthest from it that has products."""
        count = blocks(share)
        own = int(self.leaf[cluster]) * count // LEAVES
        if not fights:
            return block(share, own)
        filled = np.unique(self.leaf.astype(np.int64) * count // LEAVES)
        away = np.minimum((filled - own) % count, (own - filled) % count)
        return block(share, int(filled[np.argmax(away)]))


def window(weight: NDArray[np.float64], start: int, share: float, shut: int | None = None) -> tuple[int, int]:
    """First and last cluster of a window from `start` that holds at least `share`; it does not grow over `shut`."""
    low = high = start
    total = float(weight[start])
    while total < share and high + 1 < len(weight) and high + 1 != shut:
        high += 1
        total += float(weight[high])
    while total < share and low > 0 and low - 1 != shut:
        low -= 1
        total += float(weight[low])
    return low, high


def independent_columns(rows: int, seed: int = 21) -> Columns:
    """Prices and categories that know nothing of the vectors."""
    rng = np.random.default_rng(seed)
    price = np.round(100 * rng.lognormal(3.4, 0.9, rows)).astype(np.int64)
    return Columns(price, rng.integers(0, LEAVES, rows).astype(np.int32))


def clustered_columns(cluster: Labels, seed: int = 22) -> Columns:
    """Prices that number the clusters, and categories of neighbouring clusters in another order. cluster: (n,)."""
    rng = np.random.default_rng(seed)
    counts = np.bincount(cluster)
    weight = counts / counts.sum()
    order = rng.permutation(len(weight))
    middle = np.cumsum(weight[order]) - weight[order] / 2
    leaf = np.empty(len(weight), np.int32)
    leaf[order] = np.minimum(LEAVES - 1, (LEAVES * middle).astype(np.int32))
    price = price_of(cluster.astype(np.int64)) + rng.integers(0, 100, len(cluster))
    return Columns(price, leaf[cluster], Clustered(weight, leaf))


def price_of(cluster: Any) -> Any:
    """The lowest price of a cluster's products, in cents, of a number or an array; the highest is 99 more."""
    return 100 * (cluster + 1)


def money(cents: int) -> Decimal:
    """Cents as a price."""
    return Decimal(int(cents)).scaleb(-2)


def blocks(share: float) -> int:
    """How many categories of that share there are."""
    return round(1 / share)


def block(share: float, number: int) -> tuple[int, int]:
    """The leaves of the category `number` of that share, from the first up to below the last."""
    size = LEAVES // blocks(share)
    return number * size, (number + 1) * size


def path_of(leaf: int, leaves: int = 1) -> str:
    """Path of the category that holds so many leaves, `leaf` among them."""
    return "/".join(_parts(leaf)[: 1 + [500, 100, 10, 1].index(leaves)])


def _parts(leaf: int) -> list[str]:
    return [f"Half {leaf // 500}", f"Tenth {leaf // 100}", f"Hundredth {leaf // 10}", f"Leaf {leaf}"]
