"""How fast somebody goes along a stream, counted a batch at a time."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from bus.clock import Clock

WINDOW = 10.0
"""Seconds over which events are counted."""
STEP = 0.5
"""Seconds that share one count, so that not much is remembered."""


class _Mark(NamedTuple):
    at: float
    position: int


class Pace:
    """Is told positions, and says how many events a second that has been lately."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base: _Mark | None = None
        self._marks: deque[_Mark] = deque()
        self._last = _Mark(0.0, 0)

    def begin(self, position: int) -> None:
        """What lies before `position` was not applied now."""
        self._base = self._last = _Mark(self._now(), position)
        self._marks.clear()

    def note(self, position: int) -> None:
        """A place that was reached. The first one, and one further back, is a beginning."""
        if self._base is None or position < self._last.position:
            self.begin(position)
        elif position > self._last.position:
            self._last = _Mark(self._now(), position)
            if self._marks and int(self._marks[-1].at / STEP) == int(self._last.at / STEP):
                self._marks.pop()
            self._marks.append(self._last)
            self._forget()

    def rate(self) -> float:
        """Events a second, over the last WINDOW seconds or since the beginning."""
        self._forget()
        if self._base is None:
            return 0.0
        # What has gone on for less than a second would give wild numbers.
        seconds = min(max(self._now() - self._base.at, 1.0), WINDOW)
        return (self._last.position - self._base.position) / seconds

    def still(self) -> float:
        """Seconds since the place has moved, or since the beginning."""
        return 0.0 if self._base is None else max(0.0, self._now() - self._last.at)

    def _forget(self) -> None:
        while self._marks and self._marks[0].at <= self._now() - WINDOW:
            self._base = self._marks.popleft()

    def _now(self) -> float:
        return self._clock.now().timestamp()
