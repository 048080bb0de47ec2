"""Filters of the search benchmarks: each leaves its share, and has to do with the query what its name says."""

from decimal import Decimal

import numpy as np
import pytest

from benchmarks.clusters import find_clusters, make_cone, unit
from benchmarks.engine.filters import (
    CATEGORY_SHARE,
    LEAVES,
    Bounds,
    By,
    Case,
    Columns,
    Relation,
    cases,
    clustered_columns,
    independent_columns,
    path_of,
    price_of,
    window,
)

ROWS = 40_000


@pytest.fixture(scope="module")
def cluster() -> np.ndarray:
    return make_cone(16).draw_labelled(ROWS, seed=7)[1]


@pytest.fixture(scope="module")
def clustered(cluster: np.ndarray) -> Columns:
    return clustered_columns(cluster)


def passing_share(columns: Columns, case: Case, cluster: int, number: int = 0) -> float:
    return float(columns.passing(columns.choose(case, number, cluster)).mean())


def expected(case: Case) -> float:
    """A window never takes all of a category, so half of all, by both, is nine tenths of a half."""
    return min(case.share, 0.9 * CATEGORY_SHARE[case.share]) if case.by is By.BOTH else case.share


def test_there_is_a_row_for_each_share_column_and_relation() -> None:
    assert len(set(cases())) == 36


@pytest.mark.parametrize("case", cases((Relation.INDEPENDENT,)), ids=str)
def test_independent_filters_leave_their_share(case: Case) -> None:
    shares = [passing_share(independent_columns(ROWS), case, 0, number) for number in range(5)]
    assert np.mean(shares) == pytest.approx(expected(case), rel=0.25)


@pytest.mark.parametrize("case", cases((Relation.AGREEING, Relation.FIGHTING)), ids=str)
def test_a_filter_agrees_with_a_query_or_fights_it(case: Case, cluster: np.ndarray, clustered: Columns) -> None:
    shares = []
    for own in (0, 3, 700, 1500, 1999):
        passes = clustered.passing(clustered.choose(case, 0, own))
        shares.append(passes.mean())
        kept = passes[cluster == own].mean() if (cluster == own).any() else None
        assert kept in (None, float(case.relation is Relation.AGREEING))
        assert passes.any()
    # Whole clusters are taken, and the larger ones hold a thousandth of all alone.
    assert np.mean(shares) == pytest.approx(expected(case), rel=0.35, abs=0.002)


def test_whole_clusters_pass_or_none_of_them(cluster: np.ndarray, clustered: Columns) -> None:
    for case in cases((Relation.AGREEING, Relation.FIGHTING)):
        passes = clustered.passing(clustered.choose(case, 0, 1234))
        of_cluster = np.bincount(cluster, passes) / np.maximum(np.bincount(cluster), 1)
        assert set(of_cluster) <= {0.0, 1.0}


def test_a_window_grows_upwards_then_downwards_and_not_over_what_is_shut() -> None:
    weight = np.full(10, 0.1)
    assert window(weight, 2, 0.25) == (2, 4)
    assert window(weight, 8, 0.45) == (5, 9)
    assert window(weight, 3, 0.9, shut=6) == (0, 5)
    assert window(weight, 8, 0.9, shut=6) == (7, 9)


def test_bounds_become_filters_of_the_search_room() -> None:
    filters = Bounds(low=1005, high=2099, first=300, last=400).filters()
    assert (filters.price_min, filters.price_max, filters.currency) == (Decimal("10.05"), Decimal("20.99"), "USD")
    assert filters.category == "Half 0/Tenth 3"
    assert not Bounds().filters().narrows


@pytest.mark.parametrize("leaf", [0, 499, 500, 999])
def test_a_category_holds_the_leaves_that_its_path_begins(leaf: int) -> None:
    full = path_of(leaf)
    for leaves in (1, 10, 100, 500):
        inside = [other for other in range(LEAVES) if path_of(other).startswith(path_of(leaf, leaves) + "/")]
        inside = inside or [other for other in range(LEAVES) if path_of(other) == path_of(leaf, leaves)]
        assert inside == list(range(leaf // leaves * leaves, (leaf // leaves + 1) * leaves))
    assert full.count("/") == 3


def test_prices_of_a_cluster_lie_between_its_number_and_the_next() -> None:
    assert price_of(0) == 100
    assert price_of(7) == 800


def test_clusters_are_found_again() -> None:
    rng = np.random.default_rng(1)
    true = rng.integers(0, 4, 400)
    rows = unit((np.eye(8, dtype=np.float32)[true] + 0.05 * rng.standard_normal((400, 8))).astype(np.float32))
    found = find_clusters(rows, 4, seed=2)
    for label in np.unique(found):
        assert len(set(true[found == label])) == 1


def test_queries_are_near_their_cluster_and_are_no_rows() -> None:
    cone = make_cone(32)
    rows, cluster = cone.draw_labelled(4_000, seed=7)
    asked, own = cone.ask(50, seed=11)
    near = asked @ rows.T
    assert np.isclose(np.linalg.norm(asked, axis=1), 1.0, atol=1e-3).all()
    assert near.max() < 0.9999
    assert np.mean(cluster[near.argmax(axis=1)] == own) > 0.5
