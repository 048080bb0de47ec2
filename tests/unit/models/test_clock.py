import pytest

from models.clock import LONGEST_STEP, RunningClock, learning_rate_factor


def test_a_pause_counts_as_a_few_steps_at_most() -> None:
    clock = RunningClock()
    for _ in range(10):
        clock.add(2.0)
    assert clock.add(900.0) == pytest.approx(LONGEST_STEP * 2.0)
    assert clock.seconds == pytest.approx(20 + LONGEST_STEP * 2.0)


def test_a_resumed_clock_goes_on_from_where_it_was() -> None:
    clock = RunningClock(100.0)
    clock.add(1.5)
    assert clock.seconds == pytest.approx(101.5)


def test_the_rate_rises_then_falls_to_zero() -> None:
    factors = [learning_rate_factor(step / 100, 0.1) for step in range(101)]
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert max(factors) == pytest.approx(1)
    assert learning_rate_factor(1.2, 0.1) == 0
