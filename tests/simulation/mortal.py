"""A process of a shop that dies at a fail point and is started again, as a supervisor does."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bus.process import DomainProcess
from bus.tasks import end
from bus.testing.ground import MemoryGround
from bus.view import View
from bus.views.worker import ViewWorker
from domains.payments.answers import AskProvider
from scripts.chaos import watched
from scripts.chaos.failpoints import Call, FailPoints, Point
from tests.mesh.shop import Shop

Chosen = Callable[[Point], bool]


def never(_: Point) -> bool:
    return False


class Mortal(ABC):
    """`calls` are those of the first process, which died at `struck`; `deaths` counts those that
    have died. So many as `lives` die where `chosen` says, each counting its calls anew."""

    def __init__(self, it: Shop, ground: MemoryGround, chosen: Chosen, lives: int) -> None:
        self.it = it
        self.ground = ground
        self.deaths = 0
        self.calls: list[Call] = []
        self.struck: Point | None = None
        self._points = FailPoints(self._first, self._die)
        self._chosen = chosen
        self._lives = lives
        self._died = asyncio.Event()
        self._up = asyncio.Event()

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """It takes the place of the shop's own process, and lives as often as it must."""
        await self._displace()
        await self._rise()
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            await end([keeping])

    async def up(self) -> None:
        """Returns when it works, after whatever death."""
        while not self._up.is_set():
            await self.ground.breathe()

    def _first(self, point: Point) -> bool:
        if point.side == "before":
            self.calls.append(point.call)
        return self._chosen(point)

    def _die(self, point: Point) -> None:
        self.struck = self.struck or point
        self.deaths += 1
        self._up.clear()
        self._died.set()

    async def _keep(self) -> None:
        while True:
            await self._died.wait()
            self._died.clear()
            await self._bury()
            chosen = self._chosen if self.deaths < self._lives else never
            self._points = FailPoints(chosen, self._die)
            await self._rise()

    async def _rise(self) -> None:
        starting = asyncio.ensure_future(self._start(self._points))
        await asyncio.wait({starting})
        if self._points.struck is None:
            starting.result()
            self._up.set()

    @abstractmethod
    async def _displace(self) -> None: ...

    @abstractmethod
    async def _start(self, points: FailPoints) -> None: ...

    @abstractmethod
    async def _bury(self) -> None:
        """Nothing of it is left, as the system sees to."""


class MortalDomain(Mortal):
    def __init__(
        self, it: Shop, ground: MemoryGround, chosen: Chosen, lives: int, domain: str
    ) -> None:
        super().__init__(it, ground, chosen, lives)
        self._domain = it.mesh.domains[domain]
        self._process: DomainProcess

    async def _displace(self) -> None:
        own = next(p for p in self.it.mesh.processes if p.domain is self._domain)
        await self.it.mesh.kill(own)

    async def _start(self, points: FailPoints) -> None:
        name = self._domain.name
        self._process = DomainProcess(
            self._domain,
            watched.store(await self.ground.store(name), points),
            watched.broker(self.ground.broker(), points),
            clock=self.ground.clock,
            outside=watched.outside(AskProvider(self.it.provider), points)
            if name == "payments"
            else None,
        )
        await self._process.start()
        self.it.mesh.processes.append(self._process)

    async def _bury(self) -> None:
        process = self._process
        if process in self.it.mesh.processes:
            self.it.mesh.processes.remove(process)
        if hasattr(process, "service"):
            await process.kill()
        else:  # it did not live to see its parts
            await process.broker.close()
        self.ground.disks[self._domain.name].leadership.end()


class MortalView(Mortal):
    def __init__(
        self, it: Shop, ground: MemoryGround, chosen: Chosen, lives: int, view: View
    ) -> None:
        super().__init__(it, ground, chosen, lives)
        self._view = view
        self._worker: ViewWorker

    async def _displace(self) -> None:
        own = next(w for w in self.it.mesh.workers if w.view is self._view)
        self.it.mesh.workers.remove(own)
        await own.kill()

    async def _start(self, points: FailPoints) -> None:
        self._worker = ViewWorker(
            self._view,
            watched.view_store(await self.ground.view_store(self._view), points),
            watched.broker(self.ground.broker(), points),
            self.ground.clock,
        )
        await self._worker.start()
        self.it.mesh.workers.append(self._worker)

    async def _bury(self) -> None:
        if self._worker in self.it.mesh.workers:
            self.it.mesh.workers.remove(self._worker)
        await self._worker.kill()
