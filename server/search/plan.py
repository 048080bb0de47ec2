"""Which way to the nearest products: rank every one that passes the filter, or walk the HNSW index.

Both are pgvector's cosine order. Ranking all is exact and costs about 1.5 us a row; the walk costs about
0.7 ms + 0.11 ms / share, where share is the part of the catalogue that passes the filter, and may end early.
"""

from dataclasses import dataclass
from enum import StrEnum

# Up to here ranking all is exact at about 12 ms, whatever the filter has to do with the query; an index walk under a
# filter that fights it took 20 to 45 ms at 40,000 products.
EXACT_ROWS = 8_000
# Candidates that the walk keeps; recall@10 of 0.99 on 200,000 x 512.
EF_SEARCH = 200
# Where an iterative walk gives up; the page is then filled by ranking all.
MAX_SCAN_TUPLES = 40_000
# Fetched beyond the page, so that products at the same distance are ordered by SKU across the page's end.
TIE_MARGIN = 32
# Totals are exact up to here and "at least" beyond: counting 200,000 rows would take longer than finding ten of them.
COUNT_UP_TO = 10_000
# A sort by price or date reorders this many of the most relevant; all by price would answer another question.
SORT_POOL = 200


class Path(StrEnum):
    """How the page was found."""

    EXACT = "exact"  # every product that passes the filter was ranked
    HNSW = "hnsw"  # iterative walk of the HNSW index
    HNSW_THEN_EXACT = "hnsw_then_exact"  # the walk came up short, so all were ranked
    BROWSE = "browse"  # no query: ordered by a column


@dataclass(frozen=True)
class Plan:
    """A path and the reason for it, both told in the answer."""

    path: Path
    reason: str


def choose_plan(matching: int, has_vector: bool, is_first_page: bool) -> Plan:
    """Pick the path for a filter that `matching` products pass."""
    if not has_vector:
        return Plan(Path.BROWSE, "no words and no picture to rank by")
    if matching <= EXACT_ROWS:
        return Plan(Path.EXACT, f"{matching} products pass the filter, few enough to rank them all")
    if not is_first_page:
        return Plan(Path.EXACT, "a later page goes on exactly where the one before it ended")
    return Plan(Path.HNSW, "more products pass the filter than can be ranked at once, so the index is walked")
