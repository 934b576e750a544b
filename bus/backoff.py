"""Pauses between attempts, longer each time."""

from __future__ import annotations

from bus.clock import Clock


class Backoff:
    """`first` and `most` are seconds; each pause is twice as long as the one before."""

    def __init__(self, clock: Clock, first: float = 0.005, most: float = 5.0) -> None:
        self._clock = clock
        self._first = first
        self._most = most
        self._next = first

    async def pause(self) -> None:
        seconds, self._next = self._next, min(self._next * 2, self._most)
        await self._clock.sleep(seconds)

    def reset(self) -> None:
        """What was tried has worked: the next pause is a short one again."""
        self._next = self._first
