"""Tasks that come to their end for certain: some libraries swallow a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

AGAIN = 2.0
"""Seconds after which a task that still runs is cancelled once more."""

T = TypeVar("T")


async def together(todo: Iterable[Awaitable[T]]) -> Sequence[T]:
    """The results of all, in their order. Raises the first error when all have ended, so that
    nothing goes on behind its back."""
    results = await asyncio.gather(*todo, return_exceptions=True)
    good: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        good.append(result)
    return good


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels `tasks` and returns when all have ended, whatever they raised.

    One cancellation may not be enough: Python 3.11's `asyncio.wait_for`, in whatever
    library, swallows one that comes together with its result
    (https://github.com/python/cpython/issues/86296).
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=AGAIN)
        for task in done:
            if not task.cancelled():
                task.exception()  # has been looked at


@contextmanager
def heeding_cancellation() -> Iterator[None]:
    """Raises CancelledError at its end where the body was cancelled and did not say so.

    redis-py takes a cancellation for a broken connection now and then, and tries again.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
