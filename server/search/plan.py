"""Which way to the nearest products: rank all that pass the filter, rank their sketches first, or walk the HNSW index.

All three end in pgvector's cosine order of the vectors themselves.

- Ranking all is exact. It reads each product: 5 us.
- Sketches (64 principal components a product, in a narrow table) cost 0.6 us a row that passes the filter; the best
  POOL of them are then ranked exactly. Nothing that the filter has to do with the query changes that.
- The walk reads about 1 / share products for each that passes, share being the part of the catalogue that passes. Where
  the filter fights the query it needs far more, or finds others than the nearest; then it is given up.
"""

from dataclasses import dataclass
from enum import StrEnum

# The result set: at most so many products. All of a page, its total and facets comes from it.
MOST = 1_000
# So many are ranked exactly, one by one.
EXACT_ROWS = 1_000
# The same where there are no sketches: a larger filter has to be walked.
EXACT_ROWS_WITHOUT_SKETCHES = 8_000
# Candidates that the walk keeps at each step; recall@10 of 0.99 on 200,000 x 512.
EF_SEARCH = 128
# A walk may read so many times what it would need if the filter had nothing to do with the query.
PATIENCE = 4.0
# Fetched beyond the page, so that products at the same distance are ordered by SKU across the page's end.
TIE_MARGIN = 16
# What a walk is tried with before all of it: where even these few do not come, the filter fights the query.
FIRST_STEPS = 50


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

    walk_start: float = 0.7
    walk_row: float = 0.0025
    sketch_start: float = 0.5
    sketch_row: float = 0.00055
    exact_row: float = 0.005

    def walk(self, wanted: int, share: float) -> float:
        """Walking until `wanted` products passed a filter that leaves `share` of the catalogue."""
        return self.walk_start + self.walk_row * max(EF_SEARCH, wanted / share)

    def sketches(self, matching: int) -> float:
        """Ranking the sketches of `matching` products, and MOST of them exactly."""
        return self.sketch_start + self.sketch_row * matching + self.exact_row * min(matching, MOST)


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


def choose_path(size: Size, has_sketches: bool, costs: Costs) -> Plan:
    """The path to the nearest of the products that pass the filter. It depends on nothing but the filter, so that the
    first page, a later one and the facets come the same way."""
    told = f"{size.matching:,}" if size.is_exact else f"about {size.matching:,}"
    exact = EXACT_ROWS if has_sketches else EXACT_ROWS_WITHOUT_SKETCHES
    if size.matching <= exact:
        return Plan(Path.EXACT, f"{told} products pass the filter, few enough to rank them all", size.matching)
    walked = int(max(EF_SEARCH, MOST / size.share))
    if not has_sketches:
        return Plan(Path.HNSW, f"{told} products pass the filter, and there are no sketches yet", walked)
    # A page alone needs a short walk; a result with facets or a later page needs all of it. Both are to go one way.
    walk = (costs.walk(FIRST_STEPS, size.share) + costs.walk(MOST, size.share)) / 2
    sketches = costs.sketches(size.matching)
    if sketches <= walk:
        return Plan(Path.SKETCH, f"{told} products pass the filter; ranking their sketches is quickest", size.matching)
    return Plan(Path.HNSW, f"{told} products pass the filter, so the index is walked", walked)


def most_steps(wanted: int, share: float) -> int:
    """Where a walk for `wanted` products gives up (hnsw.max_scan_tuples)."""
    return int(max(EF_SEARCH * 2, PATIENCE * wanted / share))
