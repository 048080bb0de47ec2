"""Right answers and marks of the search benchmarks."""

import numpy as np
import pytest

from benchmarks.clusters import Floats, unit
from benchmarks.engine.answers import Asked, Exam, Marks, plan_shares
from benchmarks.engine.fashion import grow, hold_out
from benchmarks.engine.filters import Bounds, By, Case, Relation, independent_columns
from benchmarks.filtered_search import SQL_ALONE, misses


def random_rows(count: int, dimension: int = 16, seed: int = 1) -> Floats:
    return unit(np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32))


@pytest.fixture
def exam() -> Exam:
    rows = random_rows(500)
    return Exam(rows, random_rows(4, seed=2), np.zeros(4, np.int32), {"independent": independent_columns(500)})


def asked_for(right: set[int], matching: int = 100) -> Asked:
    return Asked(0, np.zeros(3, np.float32), Bounds(), None, matching, frozenset(right))


def test_right_answers_are_the_nearest_of_those_that_pass(exam: Exam) -> None:
    case = Case(By.PRICE, 0.1, Relation.INDEPENDENT)
    for asked in exam.asked(case, "independent"):
        assert asked.mask is not None
        order = np.argsort(-(exam.vectors @ asked.query))
        assert asked.right == frozenset([int(n) for n in order if asked.mask[n]][:10])
        assert asked.matching == asked.mask.sum()


def test_without_a_filter_all_are_ranked_and_a_part_of_the_exam_has_its_own_answers(exam: Exam) -> None:
    (asked,) = exam.asked(None, most=1)
    assert asked.right == frozenset(np.argsort(-(exam.vectors @ asked.query))[:10].tolist())
    (part,) = exam.first(50).asked(None, most=1)
    assert max(part.right) < 50


def test_marks_count_what_is_right_and_what_is_missing() -> None:
    marks = Marks()
    marks.add(asked_for(set(range(10))), [0, 1, 2, 3, 4, 90, 91, 92, 93, 94, 5], 2.0)
    marks.add(asked_for(set(range(10))), [0, 1], 4.0)
    marks.add(asked_for({7, 8}, matching=2), [7, 8], 6.0)
    row = marks.row()
    assert row["recall_at_10"] == pytest.approx((0.5 + 0.2 + 1.0) / 3, abs=1e-4)
    assert (row["hits"], row["short"], row["p50_ms"], row["queries"]) == (2, 1, 4.0, 3)
    assert "plan" not in row


def test_plans_are_told_with_their_shares() -> None:
    assert plan_shares(["hnsw", "hnsw"]) == "hnsw"
    assert plan_shares(["sketch", "hnsw", "hnsw", "hnsw"]) == "hnsw 0.75, sketch 0.25"


def test_rows_that_miss_a_target_are_named() -> None:
    good = {"filter": "price", "share": 0.1, "relation": "fighting", "recall_at_10": 0.99, "p95_ms": 25.0, "short": 0}
    assert misses([good]) == []
    assert len(misses([good | {"share": 0.01}])) == 1
    slow = {"filter": SQL_ALONE, "share": 1.0, "relation": "", "recall_at_10": 0.97, "p50_ms": 2.0, "short": 0}
    assert [sentence.split(":")[0] for sentence in misses([slow])] == [f"{SQL_ALONE} 100%"] * 2
    assert "not full" in misses([good | {"short": 2, "queries": 100}])[0]


def test_a_grown_catalogue_keeps_its_rows_and_adds_ones_near_to_them() -> None:
    rows = random_rows(60, dimension=64)
    grown, origin = grow(rows, 200)
    assert grown.shape == (200, 64)
    assert np.allclose(grown[:60], rows, atol=1e-3)
    likeness = (grown[60:] * rows[origin[60:]]).sum(axis=1)
    assert likeness == pytest.approx(np.full(140, 0.95), abs=5e-3)
    assert len(grow(rows, 20)[0]) == 20


def test_titles_that_are_asked_for_are_distinct_and_the_same_each_time() -> None:
    titles = [f"title {n % 30}" for n in range(90)]
    assert len(set(hold_out(titles, 10))) == 10
    assert hold_out(titles, 10) == hold_out(titles, 10)
    assert len(hold_out(titles, 100)) == 15
