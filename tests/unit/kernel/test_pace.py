"""Events a second, from positions that are noted now and then."""

from datetime import timedelta

import pytest

from bus.clock import ManualClock
from bus.pace import WINDOW, Pace


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def pace(clock: ManualClock) -> Pace:
    return Pace(clock)


def after(clock: ManualClock, seconds: float) -> None:
    clock.advance(timedelta(seconds=seconds))


def test_nobody_who_has_not_begun_goes_anywhere(pace: Pace) -> None:
    assert (pace.rate(), pace.still()) == (0.0, 0.0)


def test_what_was_applied_before_it_began_does_not_count(clock: ManualClock, pace: Pace) -> None:
    pace.note(1_000_000)
    after(clock, 4)
    pace.note(1_000_100)
    assert pace.rate() == 25.0


def test_a_long_quiet_before_does_not_make_it_slow(clock: ManualClock, pace: Pace) -> None:
    pace.note(0)
    after(clock, 0.3)
    pace.note(5000)
    after(clock, 3600)
    assert pace.rate() == 0.0
    pace.note(6000)
    assert pace.rate() == 1000 / WINDOW


def test_only_the_last_seconds_count(clock: ManualClock, pace: Pace) -> None:
    pace.note(0)
    for n in range(1, 41):
        after(clock, 1)
        pace.note(n * (100 if n <= 20 else 1) + (0 if n <= 20 else 1980))
    assert pace.rate() == 1.0


def test_many_notes_within_a_step_are_one(clock: ManualClock, pace: Pace) -> None:
    pace.note(0)
    for n in range(1, 1001):
        after(clock, 0.0001)
        pace.note(n)
    assert pace.rate() == 1000.0
    after(clock, 9)
    assert pace.rate() == pytest.approx(1000 / 9.1)


def test_a_place_further_back_is_a_new_beginning(clock: ManualClock, pace: Pace) -> None:
    pace.note(100)
    after(clock, 2)
    pace.note(50)
    assert pace.rate() == 0.0
    after(clock, 2)
    pace.note(70)
    assert pace.rate() == 10.0


def test_it_knows_since_when_it_stands_still(clock: ManualClock, pace: Pace) -> None:
    pace.note(1)
    after(clock, 5)
    pace.note(2)
    after(clock, 3)
    pace.note(2)
    assert pace.still() == 3.0
