"""Waiting for what only shows when one looks, because other processes do it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

LOOK = 0.03
"""Seconds between two looks."""


async def until(there: Callable[[], Awaitable[bool]]) -> None:
    """Returns when `there` says so."""
    while True:
        if await there():
            return
        await asyncio.sleep(LOOK)
