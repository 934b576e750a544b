"""Calls a store, which is asynchronous, from threads that are not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread of its own; it ends with the program, if not before."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="trueup store", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, or its exception. Not from within the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self, *last: Coroutine[Any, Any, None]) -> None:
        """Cancels what is under way, and runs `last` before the loop ends."""
        self.run(_end(last))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _end(last: tuple[Coroutine[Any, Any, None], ...]) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for coroutine in last:
        await coroutine
