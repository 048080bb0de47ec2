"""benchmarks/sql_search.py tells what was not reached."""

from benchmarks.sql_search import misses

ROW = {
    "filter": "price", "share": 0.1, "relation": "fighting", "matching": 100, "recall@10 sql": 1.0, "http": 1.0,
    "complete": "50 of 50", "path": "sketch",
}  # fmt: skip


def test_what_reaches_its_targets_is_not_told() -> None:
    assert misses([ROW]) == []


def test_a_low_recall_and_a_page_that_is_not_full_are_told() -> None:
    assert misses([ROW | {"recall@10 sql": 0.97}, ROW | {"complete": "49 of 50"}]) == [
        "price 10% fighting: recall 0.97 < 0.98",
        "price 10% fighting: 49 of 50 pages are full",
    ]
