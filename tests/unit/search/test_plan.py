"""Which way a filter is gone, by how much it leaves."""

import pytest

from server.search import plan as planning
from server.search.plan import Costs, Path, Size, choose_path, walks_for


@pytest.mark.parametrize(
    ("matching", "wanted", "has_sketches", "path"),
    [
        (400, 20, True, Path.EXACT),
        (2_000, 20, True, Path.SKETCH),
        (20_000, 20, True, Path.SKETCH),
        (20_000, 1_000, True, Path.SKETCH),
        (100_000, 20, True, Path.HNSW),
        # A whole result of half is quicker by sketches, though a page of it is not.
        (100_000, 1_000, True, Path.SKETCH),
        (200_000, 1_000, True, Path.HNSW),
        (8_000, 20, False, Path.EXACT),
        (8_001, 20, False, Path.HNSW),
    ],
)
def test_the_path_fits_what_the_filter_leaves(matching: int, wanted: int, has_sketches: bool, path: Path) -> None:
    assert choose_path(Size(matching, 200_000, True), wanted, has_sketches, Costs()).path is path


@pytest.mark.parametrize(
    ("matching", "told"), [(1, "1 product passes the filter"), (12, "12 products pass the filter")]
)
def test_the_reason_is_a_sentence(matching: int, told: str) -> None:
    assert choose_path(Size(matching, 50, True), 20, True, Costs()).reason.startswith(told)


def test_a_walk_keeps_more_the_less_the_filter_leaves() -> None:
    all_of_it, tenth, hundredth = (walks_for(16, share) for share in (1.0, 0.1, 0.01))
    assert [walk.ef for walk in all_of_it] == [planning.EF_SEARCH, planning.MOST_EF_SEARCH]
    assert [walk.ef for walk in tenth] == [640]
    # More than an index keeps at once: then the walk goes on, up to a limit.
    assert [(walk.ef, walk.steps) for walk in hundredth] == [(planning.MOST_EF_SEARCH, 6_400)]
