"""A view's process: keeps the rows up to date and answers queries from them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

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
from bus.views import changed, parked, partitioned, queries, repaired
from bus.views.following import Following
from bus.views.gathered import Gathered
from bus.views.handing_on import HandingOn
from bus.views.members import Members
from bus.views.partition import Partition
from bus.views.port import Replaced, ViewStore
from bus.views.progress import Progress
from bus.views.shared import Shared

SHORT = timedelta(minutes=1)
"""What is remembered at least of a view in partitions: one of them may be ahead of another."""
TIDY = 60.0
"""Seconds between looks for builds that have been kept for long enough."""

Beside = Callable[[], Coroutine[Any, Any, None]]
"""Something else that the process does for as long as it follows: it must look after itself."""

log = structlog.get_logger()


class ViewWorker:
    """Several may run for one view: each event is folded by one of them.

    It opens and closes `stores`, those of the view's `parts`, and `broker` itself. `problems`
    names what has brought the view to a halt, if anything has; queries are answered
    `unavailable` then. A build that served before is dropped when it has been kept for as long as
    `kept`; how rows were is remembered for as long as `remembered`. `beside` runs meanwhile.
    """

    def __init__(
        self,
        view: View,
        stores: Sequence[ViewStore],
        broker: Broker,
        clock: Clock | None = None,
        *,
        kept: timedelta = timedelta(days=1),
        remembered: timedelta = timedelta(days=1),
        beside: Beside | None = None,
    ) -> None:
        self.view = view
        self.problems: dict[str, str] = {}
        self._stores = stores
        self._asked = partitioned.asked(view, stores, broker)
        self._broker = broker
        self._replaced = asyncio.Event()
        self._clock = clock or SystemClock()
        gathered = Gathered(self._clock)
        self._progress = Progress(self._asked, gathered.hurry)
        self._kept = kept
        self._also = beside
        self._remembered = max(remembered, SHORT) if view.partitions > 1 else remembered
        self._paces: dict[str, Pace] = {}
        self._members = Members(view, broker, self._clock)
        self._partitions = [Partition(store, broker, self._clock, self._moved) for store in stores]
        self._shared = Shared(view, self._partitions, self._members)
        self._following = Following(broker, self._clock, self._shared, gathered, self._caught_up)
        self._handing_on = HandingOn(broker, self._replaced.set)
        self._serving: Serving | None = None
        self._going_over = asyncio.Lock()
        self.answers = False
        """Whether it takes questions."""
        self._running: asyncio.Task[None] | None = None

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """How far the rows are in each stream, as far as this process has heard."""
        return self._shared.checkpoints

    @property
    def partitions(self) -> Collection[int]:
        """Those of the view's that this process folds now."""
        return self._shared.own

    async def start(self) -> None:
        """Returns when queries are answered; where a new version of the view takes over from
        another, or a view is in partitions, that is later: once it has caught up.

        Where a later version has taken over already, this one only says so.

        Raises StoreUnavailable, BrokerUnavailable, ViewChanged.
        """
        try:
            await self._broker.open()
            try:
                for store in self._stores:
                    await store.open()
                await self._shared.begin()
            except Replaced:
                self._replaced.set()
            await self._serve(asked=self._shared.serving and not self._shared.divided)
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
        if self._shared.divided:
            await self._members.leave()
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
        streams = await lags(followed, self._broker, self._asked.parked, self._clock)
        return structs.replace(self.status(), streams=streams)

    def _moved(self) -> None:
        for domain, place in self.checkpoints.items():
            self._paces.setdefault(domain, Pace(self._clock)).note(place.position)
        self._progress.moved()
        for partition in self._partitions:
            partition.live.moved()

    @property
    def _name(self) -> str:
        return f"view-{self.view.name}"

    async def _leave(self) -> None:
        await self._broker.close()
        for store in self._stores:
            await store.close()

    async def _run(self) -> None:
        try:
            await self._follow()
        except Replaced as halt:
            self._halted("version", halt)
            await self._withdraw()
        except Halt as halt:
            self._halted("streams", halt)
            if self._shared.serving and not self.answers:
                await self._serve(asked=True)  # to say so
            self._progress.halt(str(halt))
        # A restart would stop at the same place: the process stays, to say why it did.
        await asyncio.Future()

    async def _follow(self) -> None:
        """Raises Halt."""
        if self._replaced.is_set():
            raise Replaced(self.view)
        following = asyncio.create_task(self._following.run())
        replaced = asyncio.create_task(self._replaced.wait())
        beside = [asyncio.create_task(part) for part in self._beside()]
        try:
            await asyncio.wait([following, replaced], return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
            raise Replaced(self.view)
        finally:
            await end([following, replaced, *beside])

    def _beside(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield self._tidy()
        if self._also is not None:
            yield self._also()
        if self._shared.divided:
            yield self._members.run()
        for partition in self._partitions:
            yield partition.live.run(lambda: self._shared.serving)
            yield partition.verifier.run(partial(self._shared.folds, partition))

    async def _tidy(self) -> None:
        while True:
            try:
                for store in self._stores:
                    await store.tidy(self._clock.now() - self._kept)
                    await store.trim(self._clock.now() - self._remembered)
            except StoreUnavailable as error:
                log.debug("not tidied", view=self.view.name, reason=str(error))
            await self._clock.sleep(TIDY)

    def _halted(self, what: str, halt: Halt) -> None:
        log.error("view stopped", view=self.view.name, reason=str(halt))
        self.problems[what] = str(halt)

    async def _caught_up(self) -> None:
        async with self._going_over:
            if not self._shared.serving:
                await self._shared.take_over()
            if self._shared.serving and not self.answers:
                await self._serve(asked=True)
            await self._shared.remember()

    async def _withdraw(self) -> None:
        """Takes no more questions: what has come already goes on to somebody else."""
        await self._serve(asked=False)
        self._handing_on.withdrawn()

    async def _serve(self, *, asked: bool) -> None:
        """Takes questions only while these rows are the ones to ask."""
        view, store = self.view, self._asked
        endpoints = [status.endpoint(self._name, self._report)]
        if asked:
            asking = (view, store, self._progress, self._broker, self._handing_on)
            endpoints += queries.endpoints(*asking)
            endpoints += changed.endpoints(*asking)
            endpoints += parked.endpoints(view, store, self._shared)
            endpoints += repaired.endpoints(view, store, self._broker)
        before, about = self._serving, f"The view {view.name}"
        version = f"{view.version}.0.0"
        self._serving = await self._broker.serve(self._name, about, version, endpoints)
        self.answers = asked
        if before is not None:
            await before.stop()
