"""Makes a view's rows anew beside those that are asked, compares, and takes over.

Nothing is ever folded beyond where the build that serves is. So both can be brought to the same
positions, whatever goes on meanwhile: there all that stands under each key must be the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import structlog

from bus.backoff import Backoff
from bus.broker.port import Broker, BrokerUnavailable, StreamMissing
from bus.clock import Clock, SystemClock
from bus.store.port import StoreUnavailable
from bus.tasks import end
from bus.views import builds
from bus.views.ahead import Ahead
from bus.views.builder import Builder, Rewound
from bus.views.gathered import Read
from bus.views.port import ViewStore

STEP = 20_000
"""Events of all streams in one write."""
NEAR = 2000
"""Events behind the build that serves at which the rows are compared."""
KEYS = 2000
"""Keys compared at once."""
ALL = 2**31 - 1
SHOWN = 20
"""Keys named, of those that differ."""
PAUSE = 0.05
"""Seconds until another look at where the other build is: it tells nobody."""

log = structlog.get_logger()

Positions = Mapping[str, int]


@dataclass
class Report:
    """What has been done so far: `done` of `total` events in `seconds`.

    `compared` is None where the build that served was of another version; `took_over` False
    where one of another version still serves. `handing_over` is how many seconds it took from
    the first attempt to do so.
    """

    done: int = 0
    total: int = 0
    seconds: float = 0.0
    compared: int | None = None
    differing: int = 0
    examples: list[str] = field(default_factory=list)
    took_over: bool = False
    handing_over: float = 0.0
    positions: Positions = field(default_factory=dict)


class Rebuild:
    """One, until it has taken over. `store` is open to rebuild, `asked` to serve.

    Any number may be at it at once, and each may be killed: they go on from what is written.
    `told` is called whenever the report has changed.
    """

    def __init__(
        self,
        store: ViewStore,
        asked: ViewStore,
        broker: Broker,
        *,
        told: Callable[[Report], None] = lambda _: None,
        clock: Clock | None = None,
    ) -> None:
        self.report = Report()
        self._store = store
        self._asked = asked
        self._broker = broker
        self._clock = clock or SystemClock()
        self.told = told
        self._builder = Builder(store, self._clock, lambda: None)
        self._ahead: Mapping[str, Ahead] = {}
        self._read: dict[str, int] = {}
        self._began = time.monotonic()

    async def run(self) -> Report:
        """Goes on through outages. Raises Halt: what is written stays."""
        backoff = Backoff(self._clock)
        while True:
            try:
                async with self._reading():
                    return await self._rebuilt()
            except Rewound:  # somebody has begun it afresh
                self.report = Report()
            except (StoreUnavailable, BrokerUnavailable) as error:
                log.warning("rebuild waits", view=self._store.view.name, reason=str(error))
                await backoff.pause()

    async def _rebuilt(self) -> Report:
        report = self.report
        await self._catch_up()
        await self._store.ready()
        await self._catch_up()
        if await self._same_version():
            await self._compare()
        began = time.monotonic()
        while await self._same_version() and not self._builder.serving:
            if await self._builder.take_over():
                break
            await self._advance(await self._goal())
        report.handing_over = time.monotonic() - began
        report.took_over = self._builder.serving
        report.positions = self._positions
        return report

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        await self._builder.begin()
        self._read = dict(self._positions)
        places = self._builder.checkpoints
        self._ahead = {
            source.contract.domain: Ahead(
                self._broker, source.contract, places[source.contract.domain], self._clock
            )
            for source in self._builder.view.sources
        }
        async with AsyncExitStack() as stack:
            for ahead in self._ahead.values():
                await stack.enter_async_context(ahead.reading())
            yield

    @property
    def _positions(self) -> Positions:
        places = self._builder.checkpoints
        return {domain: place.position for domain, place in places.items()}

    async def _catch_up(self) -> None:
        """Returns when little is missing."""
        while True:
            goal = await self._goal()
            missing = self._missing(goal)
            self.report.total = self.report.done + missing
            await self._advance(goal)
            if missing <= NEAR:
                return

    async def _goal(self) -> Positions:
        """Where to stop: where the other build is, or at the streams' ends if it is another
        version's."""
        if await self._same_version():
            state = await self._asked.state()
            return {domain: place.position for domain, place in state.checkpoints.items()}
        return {domain: await self._end(domain) for domain in self._ahead}

    async def _end(self, domain: str) -> int:
        try:
            return (await self._broker.stream_state(domain)).last
        except StreamMissing:
            return 0

    async def _same_version(self) -> bool:
        """Whether what serves is of the version that is made."""
        asked = builds.serving(await self._store.builds())
        return asked is not None and asked.version == self._builder.view.version

    def _missing(self, goal: Positions) -> int:
        return sum(max(0, goal[domain] - at) for domain, at in self._read.items())

    async def _advance(self, goal: Positions) -> None:
        """Folds exactly up to `goal`; one step is decoded while the one before is written."""
        writing: asyncio.Task[None] | None = None
        try:
            while missing := self._missing(goal):
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
                found[domain] = await self._builder.read(domain, events)
        return found

    async def _write(self, step: Mapping[str, Read]) -> None:
        before = sum(self._positions.values())
        await self._builder.put(step)
        self.report.done += sum(self._positions.values()) - before
        self.report.seconds = time.monotonic() - self._began
        self.told(self.report)

    async def _compare(self) -> None:
        """Stretch by stretch, each where both builds are at the same positions."""
        report, after = self.report, ""
        report.compared = 0
        while True:
            theirs = await self._asked.digests(after, most=KEYS)
            await self._advance(theirs.positions)
            ours = await self._store.digests(after, upto=theirs.end, most=ALL)
            if ours.positions != theirs.positions:
                # Somebody else has gone on with this build, or it has taken over.
                await self._builder.look()
                if self._builder.serving:
                    return
                await asyncio.sleep(PAUSE)
                continue
            keys = ours.of.keys() | theirs.of.keys()
            differing = sorted(key for key in keys if ours.of.get(key) != theirs.of.get(key))
            report.compared += len(keys)
            report.differing += len(differing)
            report.examples += differing[: SHOWN - len(report.examples)]
            self.told(report)
            if not theirs.end:
                return
            after = theirs.end
