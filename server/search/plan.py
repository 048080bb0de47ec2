"""Which way to the nearest products: rank all that pass the filter, rank their sketches first, or walk the HNSW index.

All three end in pgvector's cosine order of the vectors themselves.

- Ranking all is exact. It reads each product: 5 us.
- Sketches (96 principal components a product, in the filters' indexes) cost 0.3 us a row that passes the filter; the
  best of them are then ranked exactly. What the filter has to do with the query changes nothing.
- The walk finds the nearest of the whole catalogue, `ef` of them at a time, and keeps those that pass. As long as what
  is wanted is among the first `ef`, it is right whatever the filter has to do with the query. Where the filter fights
  the query it is not among them; then the sketches are ranked.
"""

from dataclasses import dataclass
from enum import StrEnum

# The result set: at most so many products. All of a page, its total and facets comes from it.
MOST = 1_000
# So many are ranked exactly, one by one.
EXACT_ROWS = 400
# The same where there are no sketches: a larger filter has to be walked.
EXACT_ROWS_WITHOUT_SKETCHES = 8_000
# Of those that pass, so many are ranked exactly for a page, by how many pass: recall@10 of 0.99 (docs/layout.md). For a
# whole result, MOST.
LEAST_POOL = 200
PAGE_POOL = 400
POOL_SHARE = 0.05
# Candidates that a walk keeps: at least (recall@10 of 0.98 at 200,000 x 512), and at most (pgvector's limit).
EF_SEARCH = 100
MOST_EF_SEARCH = 1_000
# A walk looks at so many times what would do if the filter had nothing to do with the query.
MARGIN = 4.0
# Of those that pass among the first `ef`, one in so many may be used: what lies near the end of them is less certain.
SAFE = 3.0
# Fetched beyond the page, so that products at the same distance are ordered by SKU across the page's end.
TIE_MARGIN = 5


class Path(StrEnum):
    """How the result was found."""

    EXACT = "exact"  # every product that passes the filter was ranked
    SKETCH = "sketch"  # their sketches were ranked, then the best exactly
    HNSW = "hnsw"  # iterative walk of the HNSW index
    HNSW_THEN_SKETCH = "hnsw_then_sketch"  # the walk came up short, so the sketches were ranked
    HNSW_THEN_EXACT = "hnsw_then_exact"  # the walk came up short and there are no sketches, so all were ranked
    TEXT = "text"  # the words alone ranked
    BROWSE = "browse"  # no query: ordered by a column


@dataclass(frozen=True)
class Plan:
    """A path and the reason for it, both told in the answer.

    looked_at: about how many rows were read to rank them. complete: False where fewer products came than pass.
    """

    path: Path
    reason: str
    looked_at: int = 0
    complete: bool = True


@dataclass(frozen=True)
class Costs:
    """What the ways cost on this machine, in milliseconds; `vitrine search calibrate` measures them.

    The defaults were measured at 200,000 x 512 on two cores (docs/benchmarks.md).
    """

    walk_start: float = 0.5
    walk_row: float = 0.015
    sketch_start: float = 0.5
    sketch_row: float = 0.0003
    exact_row: float = 0.005

    def walk(self, wanted: int, share: float) -> float:
        """Walking until `wanted` products passed a filter that leaves `share` of the catalogue."""
        return self.walk_start + self.walk_row * max(EF_SEARCH, MARGIN * wanted / share)

    def sketches(self, matching: int, pool: int) -> float:
        """Ranking the sketches of `matching` products, and `pool` of them exactly."""
        return self.sketch_start + self.sketch_row * matching + self.exact_row * min(matching, pool)


@dataclass(frozen=True)
class Size:
    """How many products pass the filter, as far as it was counted or estimated, of how many."""

    matching: int
    catalogue: int
    is_exact: bool

    @property
    def share(self) -> float:
        """The part of the catalogue that passes."""
        return min(1.0, max(self.matching, 1) / max(self.catalogue, 1))

    @property
    def told(self) -> str:
        """The number for people."""
        return f"{self.matching:,}" if self.is_exact else f"about {self.matching:,}"


def choose_path(size: Size, wanted: int, has_sketches: bool, costs: Costs) -> Plan:
    """The path to the `wanted` nearest of the products that pass the filter."""
    told = size.told
    exact = EXACT_ROWS if has_sketches else EXACT_ROWS_WITHOUT_SKETCHES
    if size.matching <= exact:
        passing = "1 product passes" if size.matching == 1 else f"{told} products pass"
        return Plan(Path.EXACT, f"{passing} the filter, few enough to rank them all", size.matching)
    if not has_sketches:
        return walk_plan(size, wanted, ", and there are no sketches yet")
    if costs.sketches(size.matching, pool_for(wanted, size.matching)) <= costs.walk(wanted, size.share):
        return Plan(Path.SKETCH, f"{told} products pass the filter; ranking their sketches is quickest", size.matching)
    return walk_plan(size, wanted)


def walk_plan(size: Size, wanted: int, reason: str = ", so the index is walked") -> Plan:
    """To walk the index for the `wanted` nearest."""
    walked = int(max(EF_SEARCH, MARGIN * wanted / size.share))
    return Plan(Path.HNSW, f"{size.told} products pass the filter{reason}", walked)


def pool_for(wanted: int, matching: int) -> int:
    """How many of `matching` products are ranked exactly after the sketches."""
    if wanted >= PAGE_POOL / 2:
        return max(MOST, wanted)
    return int(max(LEAST_POOL, MARGIN * wanted, min(POOL_SHARE * matching, PAGE_POOL)))


@dataclass(frozen=True)
class Walk:
    """One try: candidates to keep, and where to give up (0: after the first `ef`)."""

    ef: int
    steps: int


# What a page of everything needs, unless it is a long one.
USUAL_WALK = Walk(EF_SEARCH, 0)


def walks_for(wanted: int, share: float) -> list[Walk]:
    """The tries to find `wanted` products that pass a filter which leaves `share`, each larger than the one before.

    What is beyond the first `ef` comes from a walk that goes on, and is less certain: it is for large results, and for
    where nothing else is affordable.
    """
    needed = int(max(EF_SEARCH, MARGIN * wanted / share))
    if needed > MOST_EF_SEARCH:
        return [Walk(MOST_EF_SEARCH, needed)]
    tries = [Walk(needed, 0)]
    if needed * 2 <= MOST_EF_SEARCH:
        tries.append(Walk(MOST_EF_SEARCH, 0))
    return tries
