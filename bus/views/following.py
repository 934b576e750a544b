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
from bus.view import Source, View
from bus.views.builder import Builder, Read, Rewound

BATCH = 4000
"""Events in one transaction, at most."""
AHEAD = 1
"""Batches of a stream that are decoded and wait to be folded, at most."""
LOOK = 1.0
"""Seconds between looks at what other processes of the view have written."""

Ready = asyncio.Queue[Read | None]
"""Decoded batches in order; None where the stream was read to its end."""

log = structlog.get_logger()


class Following:
    """`caught_up` is called when each stream has been read to its end once, and now and
    then after that."""

    def __init__(
        self,
        view: View,
        broker: Broker,
        clock: Clock,
        builder: Builder,
        caught_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._view = view
        self._broker = broker
        self._clock = clock
        self._builder = builder
        self._caught_up = caught_up
        self._behind: set[str] = set()

    async def run(self) -> None:
        """Goes on for ever, through outages and losses of the view's store. Raises Halt."""
        backoff = Backoff(self._clock)
        begun = True
        while True:
            try:
                if not begun:
                    await self._builder.begin()
                    begun = True
                await self._follow_all()
            except Rewound:
                log.warning("view has gone back: its store lost what it had", view=self._view.name)
                begun = False
            except (StoreUnavailable, BrokerUnavailable) as error:
                log.warning("view waits", view=self._view.name, reason=str(error))
                await backoff.pause()

    async def _follow_all(self) -> None:
        """Runs until one part raises; then the others end, too."""
        self._behind = {source.contract.domain for source in self._view.sources}
        parts: list[Coroutine[Any, Any, None]] = [self._look()]
        for source in self._view.sources:
            ready: Ready = asyncio.Queue(AHEAD)
            parts += [self._read(source, ready), self._fold(source, ready)]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await end(tasks)

    async def _read(self, source: Source, ready: Ready) -> None:
        """Decodes a batch while the one before it is folded and written."""
        reader = Reader(self._broker, source.contract, batch=BATCH, clock=self._clock)
        place = self._builder.checkpoints[source.contract.domain]
        async with aclosing(reader.follow(place)) as batches:
            async for batch in batches:
                await ready.put(await self._builder.read(source, batch) if batch else None)

    async def _fold(self, source: Source, ready: Ready) -> None:
        while True:
            batch = await ready.get()
            if batch is not None:
                await self._builder.put(source, batch)
            else:
                self._behind.discard(source.contract.domain)
                if not self._behind:
                    await self._caught_up()

    async def _look(self) -> None:
        while True:
            await self._clock.sleep(LOOK)
            await self._builder.look()
