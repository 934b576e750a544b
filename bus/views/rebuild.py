"""Makes a view's rows anew beside those that are asked, compares, and takes over.

Nothing is ever folded beyond where the build that serves is. So both can be brought to the same
positions, whatever goes on meanwhile: there all that stands under each key must be the same
(`shadow.py`, `comparing.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bus.backoff import Backoff
from bus.broker.port import Broker, BrokerUnavailable, StreamMissing
from bus.clock import Clock, SystemClock
from bus.store.port import StoreUnavailable
from bus.views import builds
from bus.views.builder import Rewound
from bus.views.comparing import compared
from bus.views.partitions import least
from bus.views.port import Altered, ViewStore
from bus.views.shadow import Positions, Shadow

NEAR = 2000
"""Events behind the build that serves at which the rows are compared."""
SHOWN = 20
"""Keys named, of those that differ."""

log = structlog.get_logger()


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

    def __add__(self, other: Report) -> Report:
        """What was done of two of a view's partitions, one after the other: each reads all events,
        which count once."""
        compared = (self.compared or 0) + (other.compared or 0)
        return Report(
            max(self.done, other.done),
            max(self.total, other.total),
            self.seconds + other.seconds,
            None if self.compared is None else compared,
            self.differing + other.differing,
            [*self.examples, *other.examples][:SHOWN],
            self.took_over and other.took_over,
            max(self.handing_over, other.handing_over),
            least([self.positions, other.positions]),
        )


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
        self._shadow = Shadow(store, broker, self._clock, told=self._told)

    async def run(self) -> Report:
        """Goes on through outages. Raises Halt: what is written stays."""
        backoff = Backoff(self._clock)
        while True:
            try:
                async with self._shadow.reading():
                    return await self._rebuilt()
            except Rewound:  # somebody has begun it afresh
                self.report = Report()
            except Altered:  # what is made can't be gone on with
                self.report = Report()
                await self._store.abandon()
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
        while await self._same_version() and not self._shadow.builder.serving:
            if await self._shadow.builder.take_over():
                break
            await self._shadow.advance(await self._goal())
        report.handing_over = time.monotonic() - began
        report.took_over = self._shadow.builder.serving
        report.positions = self._shadow.positions
        return report

    async def _catch_up(self) -> None:
        """Returns when little is missing."""
        while True:
            goal = await self._goal()
            missing = self._shadow.missing(goal)
            self.report.total = self.report.done + missing
            await self._shadow.advance(goal)
            if missing <= NEAR:
                return

    async def _goal(self) -> Positions:
        """Where to stop: where the other build is, or at the streams' ends if it is another
        version's."""
        if await self._same_version():
            state = await self._asked.state()
            return {domain: place.position for domain, place in state.checkpoints.items()}
        return {domain: await self._end(domain) for domain in self._shadow.positions}

    async def _end(self, domain: str) -> int:
        try:
            return (await self._broker.stream_state(domain)).last
        except StreamMissing:
            return 0

    async def _same_version(self) -> bool:
        """Whether what serves is of the version that is made."""
        asked = builds.serving(await self._store.builds())
        return asked is not None and asked.version == self._shadow.builder.view.version

    def _told(self, done: int, seconds: float) -> None:
        self.report.done += done
        self.report.seconds = seconds
        self.told(self.report)

    async def _compare(self) -> None:
        report = self.report
        report.compared = 0
        async for stretch in compared(self._shadow, self._asked):
            report.compared += stretch.keys
            report.differing += len(stretch.differing)
            report.examples += stretch.differing[: SHOWN - len(report.examples)]
            self.told(report)
