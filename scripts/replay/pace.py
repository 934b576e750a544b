"""When each event's turn comes: as far apart as they happened, divided by the speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from bus import envelope
from bus.clock import Clock, SystemClock
from bus.owner import Delivered


class Pace:
    """`speed` None: as fast as it goes.

    Events whose times go back, as clocks do, follow at once. The pace is reckoned from the
    first event, so that what sending itself takes does not add up.
    """

    def __init__(self, speed: float | None, clock: Clock | None = None) -> None:
        self._speed = speed
        self._clock = clock or SystemClock()
        self._began: tuple[datetime, datetime] | None = None

    async def turns(
        self, batches: AsyncIterator[Sequence[Delivered]]
    ) -> AsyncIterator[Sequence[Delivered]]:
        """The same events in the same order; at a speed one by one."""
        async for batch in batches:
            if self._speed is None:
                yield batch
                continue
            for event in batch:
                await self._turn(event, self._speed)
                yield [event]

    async def _turn(self, event: Delivered, speed: float) -> None:
        try:
            happened = envelope.decode(event.body).time
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return  # it has no time: its turn is now
        now = self._clock.now()
        if self._began is None:
            self._began = (happened, now)
        first, began = self._began
        left = (happened - first).total_seconds() / speed - (now - began).total_seconds()
        await (self._clock.sleep(left) if left > 0 else asyncio.sleep(0))
