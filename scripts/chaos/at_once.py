"""Several at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bus.tasks import end


async def at_once(count: int, client: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Returns when all have ended. What the first one raises ends the others."""
    tasks = [asyncio.create_task(client()) for _ in range(count)]
    try:
        await asyncio.gather(*tasks)
    finally:
        await end(tasks)
