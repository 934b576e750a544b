"""Waiting with a bound.

Not asyncio.wait_for: up to Python 3.11 it loses a cancellation that arrives together with the
result, so that a loop around it runs on (https://github.com/python/cpython/issues/86296).
"""

from __future__ import annotations

import asyncio
import contextlib

from bus.clock import Clock
from bus.tasks import end


async def within(seconds: float, event: asyncio.Event) -> None:
    """Returns when `event` is set, or when the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def passing(clock: Clock, seconds: float, event: asyncio.Event) -> None:
    """As `within`, by a clock that a test may own."""
    if event.is_set() or seconds <= 0:
        return
    waiting = [asyncio.create_task(event.wait()), asyncio.create_task(clock.sleep(seconds))]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(waiting)
