"""Leads while it holds the lease: runs what only one process of a domain should do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import structlog

from bus.backoff import Backoff
from bus.clock import Clock, SystemClock
from bus.halt import Halt, OwnBooksDiffer
from bus.store.port import Lease, StoreUnavailable
from bus.tasks import end

log = structlog.get_logger()

Duty = tuple[str, Callable[[], Coroutine[Any, Any, None]]]
"""A name for people, and what starts it: again after each failure."""


class Leader:
    """`duties()` names what to run while leading, all at once.

    What fails is started again after a pause. What raises Halt is not: a person must look,
    and finds its message in `problems`, by the duty's name. OwnBooksDiffer ends the other
    duties, too: then it is `resting`, but keeps the lease, lest another process does what this
    one may not.
    """

    def __init__(
        self, lease: Lease, duties: Callable[[], Sequence[Duty]], clock: Clock | None = None
    ) -> None:
        self._lease = lease
        self._duties = duties
        self._clock = clock or SystemClock()
        self._terms: asyncio.Task[None] | None = None
        self._differ = asyncio.Event()
        self.leading = False
        self.resting = False
        self.problems: dict[str, str] = {}

    async def run(self) -> None:
        """Waits for the lease, leads until it is lost, and again; until stopped."""
        self._terms = asyncio.create_task(self._lead())
        try:
            await asyncio.wait({self._terms})
        finally:
            await self.stop()
        if not self._terms.cancelled():
            self._terms.result()

    async def stop(self) -> None:
        """Ends all duties and gives the lease up, so that another process can lead at once."""
        if self._terms is not None:
            await end([self._terms])

    async def _lead(self) -> None:
        backoff = Backoff(self._clock)
        while True:
            try:
                await self._lease.acquire()
                backoff.reset()
                await self._term()
            except StoreUnavailable as error:
                log.warning("nobody leads here", reason=str(error))
                await backoff.pause()

    async def _term(self) -> None:
        self.leading = True
        self.problems.clear()
        self._differ.clear()
        self.resting = False
        running = [
            asyncio.create_task(self._keep(name, start), name=name)
            for name, start in self._duties()
        ]
        differing = asyncio.create_task(self._end_where_books_differ(running))
        try:
            await self._lease.lost()
            log.warning("leadership lost")
        finally:
            self.leading = False
            await end([differing, *running])
            with suppress(StoreUnavailable):  # then it has gone already
                await self._lease.release()

    async def _end_where_books_differ(self, running: Sequence[asyncio.Task[None]]) -> None:
        await self._differ.wait()
        await end(running)
        self.resting = True

    async def _keep(self, name: str, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        backoff = Backoff(self._clock, most=30.0)
        while True:
            self.problems.pop(name, None)
            try:
                await start()
                return
            except Halt as halt:
                self.problems[name] = str(halt)
                log.critical("stopped", duty=name, reason=str(halt))
                if isinstance(halt, OwnBooksDiffer):
                    self._differ.set()
                return
            except Exception as error:  # whatever it is, the other duties go on
                self.problems[name] = repr(error)
                log.error("failed, starts again", duty=name, exc_info=error)
            await backoff.pause()
