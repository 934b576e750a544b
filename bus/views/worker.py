"""A view's process: follows all its streams at once, builds its rows, answers its queries."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from contextlib import aclosing
from typing import Any

import structlog

from bus import status
from bus.backoff import Backoff
from bus.broker.port import Broker, BrokerUnavailable, Serving
from bus.clock import Clock, SystemClock
from bus.halt import Halt
from bus.reader import Reader
from bus.store.port import Checkpoint, StoreUnavailable
from bus.view import Source, View
from bus.views import parked, queries
from bus.views.builder import Builder, Rewound
from bus.views.port import ViewStore
from bus.views.progress import Progress

BATCH = 2000
"""Events in one transaction, at most."""
LOOK = 1.0
"""Seconds between looks at what other processes of the view have written."""

log = structlog.get_logger()


class ViewWorker:
    """Keeps one view up to date. Several may run: each event is folded by one of them.

    It opens and closes `store` and `broker` itself.
    """

    def __init__(
        self, view: View, store: ViewStore, broker: Broker, clock: Clock | None = None
    ) -> None:
        self.view = view
        self._store = store
        self._broker = broker
        self._clock = clock or SystemClock()
        self._progress = Progress(store)
        self._builder = Builder(store, self._clock, self._progress.moved)
        self._behind: set[str] = set()
        self._serving: Serving | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """How far the rows are in each stream, as far as this process has heard."""
        return self._builder.checkpoints

    async def start(self) -> None:
        """Returns when queries are answered; where a new version of the view replaces one
        that is built, that is later: once it has caught up.

        Raises StoreUnavailable, BrokerUnavailable, ViewChanged.
        """
        try:
            await self._store.open()
            await self._broker.open()
            await self._builder.begin()
            if self._builder.built:
                await self._serve()
        except BaseException:
            await self._leave()
            raise
        self._running = asyncio.create_task(self._run(), name=f"view {self.view.name}")

    async def wait(self) -> None:
        """Raises what has brought the view to a halt; else never returns."""
        if self._running is None:
            raise RuntimeError("start() comes first")
        await asyncio.shield(self._running)

    async def stop(self) -> None:
        if self._serving is not None:
            await self._serving.stop()
        await self.kill()

    async def kill(self) -> None:
        """Ends as a crash does, for tests: nothing is finished, nobody is told."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._leave()

    async def _leave(self) -> None:
        await self._broker.close()
        await self._store.close()

    async def _serve(self) -> None:
        self._serving = await self._broker.serve(
            f"view-{self.view.name}",
            f"The queries of the view {self.view.name}",
            f"{self.view.version}.0.0",
            [
                *queries.endpoints(self.view, self._store, self._progress, self._broker),
                *parked.endpoints(self.view, self._store, self._builder),
                status.endpoint(f"view-{self.view.name}", self.status),
            ],
        )

    def status(self) -> status.Status:
        """What this process says of itself."""
        positions = {domain: place.position for domain, place in self.checkpoints.items()}
        return status.Status(service=f"view-{self.view.name}", pid=os.getpid(), positions=positions)

    async def _run(self) -> None:
        backoff = Backoff(self._clock)
        while True:
            try:
                await self._follow_all()
            except Rewound:
                log.warning("view begins anew", view=self.view.name)
                await self._begin(backoff)
            except (StoreUnavailable, BrokerUnavailable) as error:
                log.warning("view waits", view=self.view.name, reason=str(error))
                await backoff.pause()
            except Halt as halt:
                log.error("view stopped", view=self.view.name, reason=str(halt))
                raise

    async def _begin(self, backoff: Backoff) -> None:
        try:
            await self._builder.begin()
            backoff.reset()
        except StoreUnavailable:
            await backoff.pause()

    async def _follow_all(self) -> None:
        """Runs until one part raises; then the others end, too."""
        self._behind = {source.contract.domain for source in self.view.sources}
        parts: list[Coroutine[Any, Any, None]] = [self._look()]
        parts += [self._follow(source) for source in self.view.sources]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, source: Source) -> None:
        reader = Reader(self._broker, source.contract, batch=BATCH, clock=self._clock)
        place = self.checkpoints[source.contract.domain]
        async with aclosing(reader.follow(place)) as batches:
            async for batch in batches:
                if batch:
                    await self._builder.take(source, batch)
                else:
                    await self._caught_up(source)

    async def _caught_up(self, source: Source) -> None:
        self._behind.discard(source.contract.domain)
        if not self._behind and not self._builder.built:
            await self._builder.settle()
            await self._serve()

    async def _look(self) -> None:
        while True:
            await self._clock.sleep(LOOK)
            await self._builder.look()
