"""Follows all streams of a view at once, and begins anew where that is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any

import structlog

from bus.backoff import Backoff
from bus.broker.port import Broker, BrokerUnavailable
from bus.clock import Clock
from bus.reader import Reader
from bus.store.port import StoreUnavailable
from bus.tasks import end
from bus.view import Source
from bus.views.builder import Rewound
from bus.views.gathered import MOST, Gathered
from bus.views.shared import Shared, SharedAnew

LOOK = 1.0
"""Seconds between looks at what other processes of the view have written."""

log = structlog.get_logger()


class Following:
    """`caught_up` is called when each stream has been read to its end once, after each write
    from then on, and after each look at what others have written."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        shared: Shared,
        gathered: Gathered,
        caught_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._view = shared.view
        self._shared = shared
        self._gathered = gathered
        self._caught_up = caught_up
        self._behind: set[str] = set()

    async def run(self) -> None:
        """Goes on for ever, through outages and losses of the view's store. Raises Halt."""
        backoff = Backoff(self._clock)
        begun = True
        while True:
            try:
                if not begun:
                    await self._shared.begin()
                    begun = True
                await self._follow_all()
            except SharedAnew:
                log.info("partitions are shared anew", view=self._view.name)
                begun = False
            except Rewound:
                log.warning("view has gone back: its store lost what it had", view=self._view.name)
                begun = False
            except (StoreUnavailable, BrokerUnavailable) as error:
                log.warning("view waits", view=self._view.name, reason=str(error))
                await backoff.pause()

    async def _follow_all(self) -> None:
        """Runs until one part raises; then the others end, too."""
        self._gathered.clear()
        self._behind.clear()
        parts: list[Coroutine[Any, Any, None]] = [self._look()]
        if not self._shared.idle:
            self._behind.update(source.contract.domain for source in self._view.sources)
            parts += [self._fold(), *map(self._read, self._view.sources)]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await end(tasks)

    async def _read(self, source: Source) -> None:
        """Decodes a batch while those before it are folded and written."""
        domain = source.contract.domain
        reader = Reader(self._broker, source.contract, batch=MOST, clock=self._clock)
        place = self._shared.checkpoints[domain]
        async with aclosing(reader.follow(place)) as batches:
            async for batch in batches:
                read = await self._shared.read(domain, batch) if batch else None
                await self._gathered.put(domain, read)

    async def _fold(self) -> None:
        while True:
            batches, ended = await self._gathered.take()
            if batches:
                await self._shared.put(batches)
            self._behind -= ended
            if not self._behind:
                await self._caught_up()

    async def _look(self) -> None:
        while True:
            await self._clock.sleep(LOOK)
            await self._shared.look()
            if not self._behind:
                await self._caught_up()
