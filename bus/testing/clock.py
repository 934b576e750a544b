"""A clock that keeps real time, and jumps where a test says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class JumpingClock:
    """Real time plus all jumps so far; a jump wakes the sleepers whose time has come."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._jumped = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    async def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        while (left := (until - self.now()).total_seconds()) > 0:
            try:
                # Not wait_for: in Python 3.11 it can swallow a cancellation.
                async with asyncio.timeout(left):
                    await self._jumped.wait()
            except TimeoutError:
                return

    def advance(self, by: timedelta) -> None:
        self._ahead += by
        jumped, self._jumped = self._jumped, asyncio.Event()
        jumped.set()
