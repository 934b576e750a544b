"""Reads all domains' streams into the books, and holds each against its store's hash chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import timedelta

from bus.broker.port import Broker
from bus.clock import Clock
from bus.contract import Contract
from bus.reader import Reader
from bus.store.port import START, Store, StoreUnavailable
from bus.tasks import end
from scripts.audit.books import Books
from scripts.audit.finding import Finding
from scripts.audit.walk import Walk

BATCH = 1000
"""Events taken at a stretch."""
LOOK = 0.2
"""Seconds between two looks, while there is nothing to be told of."""


class Auditing:
    """`stores` by domain, all open: of them the heads are read, and the rows, page by page, to be
    held against what was published of them.

    An order that does not balance is a finding only when nobody has told of it for `grace`.
    """

    def __init__(
        self, broker: Broker, stores: Mapping[str, Store], clock: Clock, grace: timedelta
    ) -> None:
        self.books = Books([*stores])
        self.moving = 0
        self._walk = Walk(stores)
        self._broker = broker
        self._stores = stores
        self._clock = clock
        self._grace = grace
        self._goal: dict[str, int] = {}
        self._asked = clock.now()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
        """From the first event on; the tasks end only if something is wrong."""
        tasks = [asyncio.create_task(self._read(domain)) for domain in self._stores]
        try:
            yield tasks
        finally:
            await end(tasks)

    async def catch_up(self, told: Callable[[int, int], None]) -> None:
        """Returns when all that the stores hold by now has been read and balanced, and has had the
        grace time to balance.

        `told` gets how many events have been read, and of how many. Raises what a reader raised,
        StoreUnavailable.
        """
        async with self.reading() as tasks:
            await self._up_to_date(tasks, told)
            until = self._clock.now() + self._grace
            while self._balance() and self._asked < until:
                await self._pause(tasks)
                await self._up_to_date(tasks, told)

    async def compare(self) -> None:
        """Holds each row of each store against what it has published. Raises StoreUnavailable."""
        await self._walk.whole()

    def findings(self) -> Iterator[Finding]:
        yield from self.books.findings()
        yield from self._walk.findings()

    async def follow(self, changed: Callable[[], None]) -> None:
        """Goes on for ever, through outages; `changed` is called after each look. Raises what a
        reader raised."""
        async with self.reading() as tasks:
            while True:
                with suppress(StoreUnavailable):  # it is asked again
                    await self._up_to_date(tasks, lambda done, total: None)
                    self._balance()
                    await self._walk.step()
                    changed()
                await self._pause(tasks)

    async def _up_to_date(
        self, tasks: Sequence[asyncio.Task[None]], told: Callable[[int, int], None]
    ) -> None:
        """Returns when all has been read that was there when the stores were asked last."""
        await self._expect()
        total = sum(self._goal.values())
        while not self._reached():
            told(min(self.books.events, total), total)
            await self._pause(tasks)
        told(total, total)

    async def _read(self, domain: str) -> None:
        reader = Reader(self._broker, Contract(domain, {}, {}), batch=BATCH, clock=self._clock)
        async with aclosing(reader.follow(START)) as batches:
            async for batch in batches:
                for event in batch:
                    self.books.take(domain, event.position, event.body)
                    self._walk.note(domain, event.body)
                await asyncio.sleep(0)  # the others' turn

    async def _expect(self) -> None:
        asked = self._clock.now()
        for domain, store in self._stores.items():
            trail = self.books.trails[domain]
            before = trail.position
            head = await store.head()
            trail.expect(head.position, head.digest, before)
            self._goal[domain] = head.position
        self._asked = asked  # not before all have answered

    def _reached(self) -> bool:
        trails = self.books.trails
        return all(trails[domain].position >= goal for domain, goal in self._goal.items())

    def _balance(self) -> int:
        """All streams have been read up to the same moment: what one told before it, and another
        has not answered for as long as the grace time, is missing."""
        self.moving = self.books.balance(self._asked - self._grace)
        return self.moving

    async def _pause(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """There is no condition to await: others' clocks and streams move by themselves."""
        pause = asyncio.create_task(self._clock.sleep(LOOK))
        try:
            await asyncio.wait([pause, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end([pause])
        for task in tasks:
            if task.done():
                task.result()
