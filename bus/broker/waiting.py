"""Waiting with a bound.

Not asyncio.wait_for: up to Python 3.11 it loses a cancellation that arrives together with the
result, so that a loop around it runs on (https://github.com/python/cpython/issues/86296).
"""

from __future__ import annotations

import asyncio
import contextlib


async def within(seconds: float, event: asyncio.Event) -> None:
    """Returns when `event` is set, or when the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
