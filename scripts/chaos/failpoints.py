"""Where a process can die: before and after each call that it makes of its ports.

All that a process does to the world it does through its ports. So whoever dies at each of
their calls dies at each moment that anybody else could tell apart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple

Side = Literal["before", "after"]
"""Nothing has happened yet; or it has, and the process has not heard of it."""
SIDES: tuple[Side, Side] = ("before", "after")


class Call(NamedTuple):
    """`name` is port and method, as `store.append`; `number` counts all calls of the process,
    `time` those of that name, both from 1."""

    name: str
    number: int
    time: int


class Point(NamedTuple):
    call: Call
    side: Side


class FailPoints:
    """The calls of one process. It dies where `chosen` says so, by `die`; from then on nothing
    that it does has any effect. `struck` is where that was."""

    def __init__(self, chosen: Callable[[Point], bool], die: Callable[[Point], None]) -> None:
        self._chosen = chosen
        self._die = die
        self._times: Counter[str] = Counter()
        self._number = 0
        self.struck: Point | None = None

    def begin(self, name: str) -> Call:
        """A call is about to have its effect. Raises CancelledError where the process is dead."""
        self._times[name] += 1
        self._number += 1
        call = Call(name, self._number, self._times[name])
        self._pass(Point(call, "before"))
        return call

    def end(self, call: Call) -> None:
        """The call has had its effect. Raises CancelledError where the process is dead."""
        self._pass(Point(call, "after"))

    def _pass(self, point: Point) -> None:
        if self.struck is None and self._chosen(point):
            self.struck = point
            self._die(point)
        if self.struck is not None:
            # Whichever task it is, it must not go on, nor be taken for one that has failed.
            raise asyncio.CancelledError(f"died {point.side} {point.call.name}")
