"""Where a stream ends that several servers hold: what its leader says.

A consumer knows what its own replica has got so far, and that may be less than publishers
were told is stored: its "nothing pending" can come too early.
"""

from __future__ import annotations

import asyncio

from bus.broker.port import BrokerUnavailable
from bus.broker.streams import Streams
from bus.broker.waiting import within

APART = 0.05
"""Seconds between two questions: under load each event may be the last one for a moment."""


class StreamEnd:
    """`wake` is set whenever something happens at the reader that could change the question."""

    def __init__(self, streams: Streams, stream: str, wake: asyncio.Event) -> None:
        self._streams = streams
        self._stream = stream
        self._wake = wake
        self._asked = 0.0

    async def lies_at(self, last: int) -> bool | None:
        """Whether the stream holds nothing behind `last`.

        None: not known, because `wake` was set first, or the leader can't be asked now.
        Raises StreamMissing.
        """
        self._wake.clear()
        now = asyncio.get_running_loop().time()
        if now < self._asked + APART:
            await within(self._asked + APART - now, self._wake)
            if self._wake.is_set():
                return None
        self._asked = asyncio.get_running_loop().time()
        return await self._unless_woken(asyncio.create_task(self._ask(last)))

    async def _ask(self, last: int) -> bool | None:
        try:
            return not await self._streams.holds_more(self._stream, last)
        except BrokerUnavailable:
            return None

    async def _unless_woken(self, asking: asyncio.Task[bool | None]) -> bool | None:
        """While there is no leader to answer, what arrives must not wait."""
        waking = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait({asking, waking}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            asking.cancel()
            waking.cancel()
