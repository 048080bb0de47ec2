import threading
from itertools import product

import pytest

from server.embedding.lanes import Lanes, slices


@pytest.mark.parametrize(
    ("total", "most", "lanes"), list(product([0, 1, 15, 16, 17, 64, 65, 1000], [1, 16], [1, 2, 3, 16]))
)
def test_slices_hold_everything_once_and_are_of_about_one_length(total: int, most: int, lanes: int) -> None:
    found = slices(total, most, lanes)
    assert [place for part in found for place in range(total)[part]] == list(range(total))
    lengths = [part.stop - part.start for part in found]
    assert all(0 < length <= most for length in lengths)
    assert not lengths or max(lengths) - min(lengths) <= 1
    assert len(found) % lanes == 0 or len(found) == total


def test_a_single_lane_fills_its_batches_evenly() -> None:
    assert [part.stop - part.start for part in slices(40, 16)] == [14, 13, 13]


def test_lanes_work_at_the_same_time_and_answer_in_order() -> None:
    together = threading.Barrier(2, timeout=20)

    def work(part: slice) -> int:
        together.wait()
        return part.start

    assert Lanes(2).run(8, 2, work) == [0, 2, 4, 6]


def test_what_fails_in_a_lane_reaches_the_caller() -> None:
    def work(part: slice) -> None:
        raise ValueError(f"at {part.start}")

    with pytest.raises(ValueError, match="at 0"):
        Lanes(2).run(4, 1, work)
