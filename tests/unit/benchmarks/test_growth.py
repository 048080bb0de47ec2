"""Laws of growth, and the right answers that are kept while vectors go by."""

import numpy as np
import pytest

from benchmarks.clusters import unit
from benchmarks.growth import Best, fit, power_law


def test_a_power_law_is_found_again() -> None:
    sizes = [10_000.0, 100_000.0, 1_000_000.0]
    start, exponent = power_law(sizes, [0.02 * size**1.3 for size in sizes])
    assert (start, exponent) == (pytest.approx(0.02), pytest.approx(1.3))


def test_figures_are_extrapolated_and_words_are_not() -> None:
    rows = [
        {"products": size, "hnsw_s": size / 1000, "all_plan": "hnsw", "all_recall": 0.99, "none_s": 0.0}
        for size in (1_000, 10_000)
    ]
    (law,) = fit(rows)
    assert law["figure"] == "hnsw_s"
    assert law["exponent"] == 1.0
    assert law["at 10,000,000"] == pytest.approx(10_000)
    assert fit(rows[:1]) == []


def test_the_best_of_chunks_are_the_best_of_all() -> None:
    rng = np.random.default_rng(1)
    rows = unit(rng.standard_normal((300, 8)).astype(np.float32))
    queries = unit(rng.standard_normal((3, 8)).astype(np.float32))
    best = Best(queries)
    for start in range(0, 300, 100):
        best.look_at(rows[start : start + 100], np.arange(start, start + 100))
    for number, query in enumerate(queries):
        assert best.of(number) == set(np.argsort(-(rows @ query))[:10].tolist())
