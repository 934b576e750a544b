"""A view's process: keeps the rows up to date and answers queries from them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from datetime import timedelta

import structlog
from msgspec import structs

from bus import status
from bus.broker.port import Broker, Serving
from bus.clock import Clock, SystemClock
from bus.halt import Halt
from bus.lag import Followed, lags
from bus.pace import Pace
from bus.status import Status
from bus.store.port import Checkpoint, StoreUnavailable
from bus.tasks import end
from bus.view import View
from bus.views import changed, parked, queries, repaired
from bus.views.builder import Builder
from bus.views.following import Following
from bus.views.gathered import Gathered
from bus.views.handing_on import HandingOn
from bus.views.live import Live
from bus.views.mending import Mending
from bus.views.port import Replaced, ViewStore
from bus.views.progress import Progress
from bus.views.verifier import Verifier

TIDY = 60.0
"""Seconds between looks for builds that have been kept for long enough."""

log = structlog.get_logger()


class ViewWorker:
    """Several may run for one view: each event is folded by one of them.

    It opens and closes `store` and `broker` itself. `problems` names what has brought the
    view to a halt, if anything has; queries are answered `unavailable` then. A build that
    served before is dropped when it has been kept for as long as `kept`; how rows were is
    remembered for as long as `remembered`.
    """

    def __init__(
        self,
        view: View,
        store: ViewStore,
        broker: Broker,
        clock: Clock | None = None,
        *,
        kept: timedelta = timedelta(days=1),
        remembered: timedelta = timedelta(days=1),
    ) -> None:
        self.view = view
        self.problems: dict[str, str] = {}
        self._store = store
        self._broker = broker
        self._replaced = asyncio.Event()
        self._clock = clock or SystemClock()
        gathered = Gathered(self._clock)
        self._progress = Progress(store, gathered.hurry)
        self._kept = kept
        self._remembered = remembered
        self._paces: dict[str, Pace] = {}
        writing = asyncio.Lock()
        mending = Mending(store, broker, self._clock, writing)
        self._verifier = Verifier(store, mending, self._clock)
        self._builder = Builder(store, self._clock, self._moved, mending.keys, writing)
        self._live = Live(store, broker, self._clock, lambda: self._builder.serving)
        self._following = Following(broker, self._clock, self._builder, gathered, self._caught_up)
        self._handing_on = HandingOn(broker, self._replaced.set)
        self._serving: Serving | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """How far the rows are in each stream, as far as this process has heard."""
        return self._builder.checkpoints

    async def start(self) -> None:
        """Returns when queries are answered; where a new version of the view takes over from
        another, that is later: once it has caught up.

        Where a later version has taken over already, this one only says so.

        Raises StoreUnavailable, BrokerUnavailable, ViewChanged.
        """
        try:
            await self._broker.open()
            try:
                await self._store.open()
                await self._builder.begin()
            except Replaced:
                self._replaced.set()
            await self._serve(asked=self._builder.serving)
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
            service=self._name,
            host=socket.gethostname(),
            pid=os.getpid(),
            positions=positions,
            problems=self.problems,
        )

    async def _report(self) -> Status:
        followed = [
            Followed(domain, place.position, self._paces[domain])
            for domain, place in self.checkpoints.items()
        ]
        streams = await lags(followed, self._broker, self._store.parked, self._clock)
        return structs.replace(self.status(), streams=streams)

    def _moved(self) -> None:
        for domain, place in self.checkpoints.items():
            self._paces.setdefault(domain, Pace(self._clock)).note(place.position)
        self._progress.moved()
        self._live.moved()

    @property
    def _name(self) -> str:
        return f"view-{self.view.name}"

    async def _leave(self) -> None:
        await self._broker.close()
        await self._store.close()

    async def _run(self) -> None:
        try:
            await self._follow()
        except Replaced as halt:
            self._halted("version", halt)
            await self._withdraw()
        except Halt as halt:
            self._halted("streams", halt)
            self._progress.halt(str(halt))
        # A restart would stop at the same place: the process stays, to say why it did.
        await asyncio.Future()

    async def _follow(self) -> None:
        """Raises Halt."""
        if self._replaced.is_set():
            raise Replaced(self.view)
        following = asyncio.create_task(self._following.run())
        replaced = asyncio.create_task(self._replaced.wait())
        tidying = asyncio.create_task(self._tidy())
        verifying = asyncio.create_task(self._verifier.run())
        living = asyncio.create_task(self._live.run())
        try:
            await asyncio.wait([following, replaced], return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
            raise Replaced(self.view)
        finally:
            await end([following, replaced, tidying, verifying, living])

    async def _tidy(self) -> None:
        while True:
            try:
                await self._store.tidy(self._clock.now() - self._kept)
                await self._store.trim(self._clock.now() - self._remembered)
            except StoreUnavailable as error:
                log.debug("not tidied", view=self.view.name, reason=str(error))
            await self._clock.sleep(TIDY)

    def _halted(self, what: str, halt: Halt) -> None:
        log.error("view stopped", view=self.view.name, reason=str(halt))
        self.problems[what] = str(halt)

    async def _caught_up(self) -> None:
        if not self._builder.serving and await self._builder.take_over():
            await self._serve(asked=True)
        await self._builder.remember()

    async def _withdraw(self) -> None:
        """Takes no more questions: what has come already goes on to somebody else."""
        await self._serve(asked=False)
        self._handing_on.withdrawn()

    async def _serve(self, *, asked: bool) -> None:
        """Takes questions only while these rows are the ones to ask."""
        view, store = self.view, self._store
        endpoints = [status.endpoint(self._name, self._report)]
        if asked:
            asking = (view, store, self._progress, self._broker, self._handing_on)
            endpoints += queries.endpoints(*asking)
            endpoints += changed.endpoints(*asking)
            endpoints += parked.endpoints(view, store, self._builder)
            endpoints += repaired.endpoints(view, store, self._broker)
        before, about = self._serving, f"The view {view.name}"
        version = f"{view.version}.0.0"
        self._serving = await self._broker.serve(self._name, about, version, endpoints)
        if before is not None:
            await before.stop()
