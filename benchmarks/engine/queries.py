"""What people ask for in words, and products that lie near to it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from benchmarks.clusters import Floats, unit

# Products lie about as far from their title as titles lie from each other.
SPREAD = 0.7


def draw_queries(titles: Sequence[str], count: int, seed: int = 31) -> list[str]:
    """Distinct queries: two to five words of a title, as they follow each other there."""
    draw = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        words = draw.choice(titles).lower().split()
        length = min(len(words), draw.randint(2, 5))
        start = draw.randint(0, len(words) - length)
        found[" ".join(words[start : start + length])] = None
    return list(found)


def zipf_stream(queries: Sequence[str], count: int, seed: int = 32) -> list[str]:
    """So many queries, the one of rank r as often as 1 / r says."""
    share = 1 / np.arange(1, len(queries) + 1)
    chosen = np.random.default_rng(seed).choice(len(queries), count, p=share / share.sum())
    return [queries[place] for place in chosen]


def around(centers: Floats, rows: int, seed: int = 33) -> Floats:
    """(rows, dimension) unit rows around unit centers, with a spread like that between the centers."""
    rng = np.random.default_rng(seed)
    deviation = SPREAD * centers.std(axis=0)
    found = np.empty((rows, centers.shape[1]), np.float32)
    for start in range(0, rows, 50_000):
        part = found[start : start + 50_000]
        part[:] = centers[rng.integers(0, len(centers), len(part))]
        part += deviation * rng.standard_normal(part.shape, np.float32)
    return unit(found)
