"""Folds a build beside another one, exactly up to the positions that are asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from bus.broker.port import Broker
from bus.clock import Clock
from bus.tasks import end
from bus.views.ahead import Ahead
from bus.views.builder import Builder
from bus.views.gathered import Read
from bus.views.port import ViewStore

STEP = 60_000
"""Events of all streams in one write."""

Positions = Mapping[str, int]
Place = tuple[str, int]
"""A domain and a position there."""


class Shadow:
    """Works on the build of `store`, while it is `reading`.

    `left_out` names events that are not folded: what waits, parked, in the other build.
    `told(events, seconds)` is called after each write, with how many it was and how long all has
    taken.
    """

    def __init__(
        self,
        store: ViewStore,
        broker: Broker,
        clock: Clock,
        *,
        left_out: Collection[Place] = frozenset(),
        told: Callable[[int, float], None] = lambda done, seconds: None,
    ) -> None:
        self.store = store
        self.builder = Builder(store, clock, lambda: None)
        self._broker = broker
        self._clock = clock
        self._left_out = left_out
        self._told = told
        self._ahead: Mapping[str, Ahead] = {}
        self._read: dict[str, int] = {}
        self._began = time.monotonic()

    @property
    def positions(self) -> Positions:
        places = self.builder.checkpoints
        return {domain: place.position for domain, place in places.items()}

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Goes on from where the build is."""
        await self.builder.begin()
        self._read = dict(self.positions)
        places = self.builder.checkpoints
        self._ahead = {
            source.contract.domain: Ahead(
                self._broker, source.contract, places[source.contract.domain], self._clock
            )
            for source in self.builder.view.sources
        }
        async with AsyncExitStack() as stack:
            for ahead in self._ahead.values():
                await stack.enter_async_context(ahead.reading())
            yield

    def missing(self, goal: Positions) -> int:
        return sum(max(0, goal[domain] - at) for domain, at in self._read.items())

    async def advance(self, goal: Positions) -> None:
        """Folds exactly up to `goal`; one step is decoded while the one before is written.

        Raises Altered, Rewound, BrokerUnavailable.
        """
        writing: asyncio.Task[None] | None = None
        try:
            while missing := self.missing(goal):
                step = await self._step(goal, missing)
                if writing is not None:
                    await writing
                writing = asyncio.create_task(self._write(step))
            if writing is not None:
                await writing
        finally:
            if writing is not None:
                await end([writing])

    async def _step(self, goal: Positions, missing: int) -> Mapping[str, Read]:
        """The next events of all streams, of each in proportion to what is missing: so what
        belongs together is written together."""
        found = {}
        for domain, ahead in self._ahead.items():
            left = goal[domain] - self._read[domain]
            count = left if missing <= STEP else -(-left * STEP // missing)
            if count > 0:
                events = await ahead.take(count)
                self._read[domain] = events[-1].position
                found[domain] = self._without(domain, await self.builder.read(domain, events))
        return found

    def _without(self, domain: str, read: Read) -> Read:
        if not self._left_out:
            return read
        items = [item for item in read.items if (domain, item.position) not in self._left_out]
        return read._replace(items=items)

    async def _write(self, step: Mapping[str, Read]) -> None:
        before = sum(self.positions.values())
        await self.builder.put(step)
        done = sum(self.positions.values()) - before
        self._told(done, time.monotonic() - self._began)
