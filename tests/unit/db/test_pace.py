"""Work behind the scenes rests while people search, and only then."""

import pytest

from server.db import pace as room
from server.db.pace import FULL_SPEED, MOST_REST_SECONDS, REST_SHARE, ROWS_ALONE, ROWS_BESIDE, Pace


class Clock:
    """Time that passes only when it is told to, or slept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        monkeypatch.setattr(room.time, "monotonic", lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_alone_it_never_rests_and_takes_large_pieces(clock: Clock) -> None:
    pace = Pace(lambda: 1, clock.sleep)
    clock.now += 5
    pace.rest()
    assert clock.slept == []
    assert pace.rows == ROWS_ALONE == FULL_SPEED.rows


def test_beside_searches_it_rests_by_what_it_worked(clock: Clock) -> None:
    pace = Pace(lambda: 2, clock.sleep)
    assert pace.rows == ROWS_BESIDE
    for worked in (0.1, 0.4):
        clock.now += worked
        pace.rest()
    assert clock.slept == pytest.approx([0.1 * REST_SHARE, 0.4 * REST_SHARE])


def test_a_rest_has_an_end(clock: Clock) -> None:
    pace = Pace(lambda: 8, clock.sleep)
    clock.now += 600
    pace.rest()
    assert clock.slept == [MOST_REST_SECONDS]


def test_it_looks_again_now_and_then(clock: Clock) -> None:
    looks = iter([4, 0])
    pace = Pace(lambda: next(looks), clock.sleep)
    assert pace.rows == ROWS_BESIDE
    clock.now += room.LOOK_SECONDS / 2
    assert pace.rows == ROWS_BESIDE
    clock.now += room.LOOK_SECONDS
    assert pace.rows == ROWS_ALONE
