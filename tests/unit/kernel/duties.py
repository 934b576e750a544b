"""A ledger process without a broker: what it owes is fired and asked on a clock that stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from bus.clock import ManualClock
from bus.committer import Committer
from bus.messages import Command
from bus.store.memory import MemoryDisk, MemoryStore
from bus.store.port import DutyRow
from bus.tasks import end
from bus.work import Cause, Outcome, Work
from tests.contract.way.ledger import Faults, ledger

TURNS = 10_000
"""Turns of the event loop after which what has not come true fails the test."""


class Desk:
    """Several may share a disk, as processes do."""

    def __init__(self, disk: MemoryDisk | None = None, clock: ManualClock | None = None) -> None:
        self.faults = Faults()
        self.domain = ledger(self.faults)
        self.disk = disk or MemoryDisk()
        self.store = MemoryStore(shared=self.disk)
        self.clock = clock or ManualClock()
        self.committer = Committer(self.domain, self.store, self.clock)
        self._tasks = [asyncio.create_task(self.committer.run())]

    def start(self, running: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self._tasks.append(asyncio.create_task(running))
        return self._tasks[-1]

    async def stop(self) -> None:
        await end(self._tasks)

    async def do(self, command: Command) -> Outcome:
        work = Work(commands=(command,), cause=Cause("correlation", "cause"))
        return await self.committer.submit(work)

    async def types(self, id: str) -> list[str]:
        """What has happened to a page."""
        return [event.type for event in await self.store.history(id, 0, 10_000)]

    def count_looks(self, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[DutyRow]]:
        """What each look at what is due has found, from now on."""
        looks: list[Sequence[DutyRow]] = []
        look = self.store.due

        async def due(now: datetime, limit: int, kind: str | None = None) -> Sequence[DutyRow]:
            looks.append(found := await look(now, limit, kind))
            return found

        monkeypatch.setattr(self.store, "due", due)
        return looks

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(TURNS):
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError("it does not come true")

    async def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(disk: MemoryDisk | None = None) -> AsyncIterator[Desk]:
    desk = Desk(disk)
    yield desk
    await desk.stop()
