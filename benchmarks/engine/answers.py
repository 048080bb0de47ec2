"""The right answers, and how an engine's answers compare with them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clusters import Floats, Labels
from benchmarks.engine.filters import Bounds, Case, Columns
from benchmarks.latency import percentile

TOP = 10

Row = dict[str, Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """One query under one filter. mask: products that pass, None for all. right: numbers of the nearest of them."""

    number: int
    query: Floats  # (dimension,)
    bounds: Bounds
    mask: Mask | None
    matching: int
    right: frozenset[int]


@dataclass(frozen=True)
class Exam:
    """Queries with their clusters, against vectors that are filtered by two sets of columns.

    vectors (n, dimension) and queries (q, dimension) are unit rows as they are stored.
    """

    vectors: Floats
    queries: Floats
    cluster: Labels  # (q,)
    columns: dict[str, Columns]  # by catalogue
    nearness: Floats = field(init=False, repr=False)  # (q, n)

    def __post_init__(self) -> None:
        lengths = np.linalg.norm(self.vectors, axis=1) + np.float32(1e-12)
        object.__setattr__(self, "nearness", (self.queries @ self.vectors.T) / lengths)

    def asked(self, case: Case | None, catalogue: str = "", most: int | None = None) -> Iterator[Asked]:
        """The queries of a case one by one, the first `most`; case None: without a filter."""
        for number in range(min(len(self.queries), most or len(self.queries))):
            if case is None:
                yield self._ask(number, Bounds(), None)
            else:
                columns = self.columns[catalogue]
                bounds = columns.choose(case, number, int(self.cluster[number]))
                yield self._ask(number, bounds, columns.passing(bounds))

    def first(self, rows: int) -> Exam:
        """The same exam over the first rows alone, for who cannot take all."""
        columns = {
            name: Columns(found.price[:rows], found.leaf[:rows], found.by_cluster)
            for name, found in self.columns.items()
        }
        return Exam(self.vectors[:rows], self.queries, self.cluster, columns)

    def _ask(self, number: int, bounds: Bounds, mask: Mask | None) -> Asked:
        near = self.nearness[number]
        passing = np.arange(len(near)) if mask is None else np.flatnonzero(mask)
        right = passing[nearest(near[passing])]
        return Asked(number, self.queries[number], bounds, mask, len(passing), frozenset(right.tolist()))


def nearest(similarity: Floats, top: int = TOP) -> NDArray[np.int64]:
    """Places of the `top` largest, in no order."""
    if len(similarity) <= top:
        return np.arange(len(similarity))
    return np.argpartition(-similarity, top)[:top]


@dataclass
class Marks:
    """What an engine answered to the queries of one case."""

    recalls: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)  # milliseconds
    hits: list[int] = field(default_factory=list)
    matching: list[int] = field(default_factory=list)
    short: int = 0  # answers with fewer hits than min(TOP, matching)
    incomplete: int = 0  # those that said so themselves
    plans: list[str] = field(default_factory=list)

    def add(self, asked: Asked, found: Sequence[int], milliseconds: float) -> None:
        """found: numbers of the products, best first."""
        found = found[:TOP]
        self.recalls.append(len(asked.right.intersection(found)) / len(asked.right) if asked.right else 1.0)
        self.took.append(milliseconds)
        self.hits.append(len(found))
        self.matching.append(asked.matching)
        self.short += len(found) < min(TOP, asked.matching)

    def row(self) -> Row:
        """The figures of the case. `hits` is the fewest that a query got, `matching` a median."""
        told: Row = {
            "queries": len(self.took),
            "matching": int(statistics.median(self.matching)),
            "recall_at_10": round(statistics.fmean(self.recalls), 4),
            "p50_ms": round(statistics.median(self.took), 3),
            "p95_ms": round(percentile(self.took, 0.95), 3),
            "hits": min(self.hits),
            "short": self.short,
        }
        if self.plans:
            told |= {"plan": plan_shares(self.plans), "incomplete": self.incomplete}
        return told


def plan_shares(plans: Sequence[str]) -> str:
    """`hnsw`, or `hnsw 0.6, hnsw_then_sketch 0.4` where queries went different ways; the most frequent first."""
    names = sorted(set(plans), key=lambda name: (-plans.count(name), name))
    if len(names) == 1:
        return names[0]
    return ", ".join(f"{name} {plans.count(name) / len(plans):.2f}" for name in names)
