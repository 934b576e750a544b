"""A process of a shop that dies at a fail point and is started again, as a supervisor does."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bus.tasks import end
from bus.testing.ground import MemoryGround
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
