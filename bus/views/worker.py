"""A view's process: keeps the rows up to date and answers queries from them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

import structlog

from bus import status
from bus.broker.port import Broker, Serving
from bus.clock import Clock, SystemClock
from bus.halt import Halt
from bus.store.port import Checkpoint
from bus.tasks import end
from bus.view import View
from bus.views import parked, queries
from bus.views.builder import Builder
from bus.views.following import Following
from bus.views.gathered import Gathered
from bus.views.port import ViewStore
from bus.views.progress import Progress

log = structlog.get_logger()


class ViewWorker:
    """Several may run for one view: each event is folded by one of them.

    It opens and closes `store` and `broker` itself. `problems` names what has brought the
    view to a halt, if anything has; queries are answered `unavailable` then.
    """

    def __init__(
        self, view: View, store: ViewStore, broker: Broker, clock: Clock | None = None
    ) -> None:
        self.view = view
        self.problems: dict[str, str] = {}
        self._store = store
        self._broker = broker
        gathered = Gathered()
        self._progress = Progress(store, gathered.hurry)
        clock = clock or SystemClock()
        self._builder = Builder(store, clock, self._progress.moved)
        self._following = Following(broker, clock, self._builder, gathered, self._caught_up)
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
            await self._serve()
        except BaseException:
            await self._leave()
            raise
        self._running = asyncio.create_task(self._run(), name=f"view {self.view.name}")

    async def wait(self) -> None:
        """Raises what has brought the process down; else never returns."""
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
            await end([self._running])
        await self._leave()

    def status(self) -> status.Status:
        """What this process says of itself."""
        positions = {domain: place.position for domain, place in self.checkpoints.items()}
        return status.Status(
            service=self._name, pid=os.getpid(), positions=positions, problems=self.problems
        )

    @property
    def _name(self) -> str:
        return f"view-{self.view.name}"

    async def _leave(self) -> None:
        await self._broker.close()
        await self._store.close()

    async def _run(self) -> None:
        try:
            await self._following.run()
        except Halt as halt:
            log.error("view stopped", view=self.view.name, reason=str(halt))
            self.problems["streams"] = str(halt)
            self._progress.halt(str(halt))
        # A restart would stop at the same place: the process stays, to say why it did.
        await asyncio.Future()

    async def _caught_up(self) -> None:
        if not self._builder.built:
            await self._builder.settle()
            await self._serve()

    async def _serve(self) -> None:
        """Queries only when the rows are built: until then another version answers them."""
        view, store = self.view, self._store
        endpoints = [status.endpoint(self._name, self.status)]
        if self._builder.built:
            endpoints += queries.endpoints(view, store, self._progress, self._broker)
            endpoints += parked.endpoints(view, store, self._builder)
        before, about = self._serving, f"The view {view.name}"
        version = f"{view.version}.0.0"
        self._serving = await self._broker.serve(self._name, about, version, endpoints)
        if before is not None:
            await before.stop()
