"""Looking through a view's rows takes a share of the time, a small one where there are many."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from bus.clock import ManualClock
from bus.views.mending import Mending
from bus.views.proof import Sums, Walked
from bus.views.verifier import MANY, Verifier


class Clock(ManualClock):
    """Whoever sleeps is not waited for; for how long is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Rows:
    """A store of so many rows, in one page that takes a second to look through."""

    def __init__(self, rows: int, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock

    async def sums(self) -> Sums:
        return Sums("", self._rows)

    async def walk(self, cursor: str) -> Walked:
        self._clock.advance(timedelta(seconds=1))
        return Walked((), "")

    async def intact(self) -> bool:
        return True


@pytest.mark.parametrize(("rows", "rest"), [(MANY - 1, 4), (MANY, 24)])
async def test_a_second_of_looking_is_followed_by_a_longer_rest(rows: int, rest: float) -> None:
    clock = Clock()
    await Verifier(cast(Any, Rows(rows, clock)), cast(Mending, None), clock).walk()
    assert clock.slept[0] == pytest.approx(rest)
