"""Copies a store's events to its stream, at the numbers that they have in the store."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import structlog
from msgspec import Struct

from bus import subjects
from bus.backoff import Backoff
from bus.broker.port import (
    Broker,
    BrokerUnavailable,
    Outgoing,
    Request,
    StreamMissing,
    WrongSequence,
)
from bus.clock import Clock
from bus.contract import Contract
from bus.mirror import Mirror, StreamDiverged
from bus.store.port import Store, StoredEvent, StoreUnavailable
from bus.tasks import end

CHECK = timedelta(seconds=5)
"""Between two looks at the stream's end, for what nobody has told the relay."""
TICK = 0.5
"""Seconds after which a reconnect is noticed."""
RUN = 2000
"""Events in one run, at most."""
QUEUED = 20_000
"""Own commits kept in memory while they wait; beyond that they are read from the store."""

__all__ = ["Relay", "StreamDiverged"]

log = structlog.get_logger()


class Hole(Struct):
    """A reader's report; `position` is the first event that it did not find."""

    position: int


class Relay:
    """Runs in one process of a domain; a second one would only be refused by the stream.

    `published` is the stream's last position as far as known. `compared` is set once store
    and stream were seen to agree since `run` began.
    """

    def __init__(self, contract: Contract, store: Store, broker: Broker, clock: Clock) -> None:
        self._contract = contract
        self._domain = contract.domain
        self._store = store
        self._broker = broker
        self._mirror = Mirror(contract, store, broker)
        self._clock = clock
        self._queue: deque[StoredEvent] = deque()
        self._holes: set[int] = set()
        self._wake = asyncio.Event()
        self._head = 0
        self._hinted = False
        self._check_due = True
        self._reconnects = -1
        self.compared = asyncio.Event()
        self.published = 0

    @property
    def rebuilt(self) -> int:
        """How often the stream had to be made again because it had lost events."""
        return self._mirror.rebuilt

    @property
    def idle(self) -> bool:
        """All that the relay knows of is in the stream."""
        return not (self._check_due or self._hinted or self._holes or self.published < self._head)

    def committed(self, events: Sequence[StoredEvent]) -> None:
        """Takes what this process has just committed; saves reading it from the store."""
        queue = self._queue
        if queue and queue[-1].position + 1 != events[0].position:
            queue.clear()  # others have committed in between: all is read from the store
        if len(queue) < QUEUED:
            queue.extend(events)
        self._head = max(self._head, events[-1].position)
        self._wake.set()

    async def run(self) -> None:
        """Relays until cancelled. Raises StreamDiverged, where going on would be a guess."""
        self._check_due = True
        self.compared.clear()
        reminding = asyncio.create_task(self._remind())
        backoff = Backoff(self._clock)
        try:
            while True:
                try:
                    await self._serve(backoff)
                except (BrokerUnavailable, StoreUnavailable) as error:
                    log.warning("not relayed", domain=self._domain, reason=str(error))
                    self._check_due = True
                    await backoff.pause()
        finally:
            await end([reminding])

    async def _serve(self, backoff: Backoff) -> None:
        hints = await self._broker.subscribe(subjects.hint(self._domain), self._hint)
        holes = await self._broker.subscribe(subjects.hole(self._domain), self._hole)
        try:
            while True:
                try:
                    await self._relay(backoff)
                except (WrongSequence, StreamMissing) as reason:
                    # Another relay was quicker, or the stream has gone.
                    log.info("looking again", stream=self._contract.stream, reason=str(reason))
                    self._check_due = True
        finally:
            await holes.stop()
            await hints.stop()

    async def _relay(self, backoff: Backoff) -> None:
        while True:
            self._wake.clear()
            if self._check_due or self._broker.reconnects != self._reconnects:
                await self._check()
                backoff.reset()
            elif self._holes:
                await self._repair()
            elif self._hinted:
                self._hinted = False
                self._head = max(self._head, (await self._store.head()).position)
            elif run := await self._next_run():
                await self._publish(run)
            else:
                await self._wake.wait()

    async def _next_run(self) -> Sequence[StoredEvent]:
        queue = self._queue
        while queue and queue[0].position <= self.published:
            queue.popleft()
        if queue and queue[0].position == self.published + 1:
            return [queue.popleft() for _ in range(min(RUN, len(queue)))]
        if self.published < self._head:
            return await self._store.read(self.published, RUN)
        return ()

    async def _publish(self, run: Sequence[StoredEvent]) -> None:
        outgoing = [
            Outgoing(subjects.event(self._domain, *event.key, event.type), event.body)
            for event in run
        ]
        await self._broker.publish_run(self._domain, self.published, outgoing)
        self.published = run[-1].position

    async def _check(self) -> None:
        self._reconnects = self._broker.reconnects
        if (ends := await self._mirror.check(self.published)) is None:
            return
        self._check_due = False
        self.compared.set()
        self.published = ends.stream
        self._head = max(self._head, ends.store)

    async def _repair(self) -> None:
        """Looks at what readers have missed; what is there (again) needs nothing."""
        reported, self._holes = self._holes, set()
        if await self._mirror.repair(reported):
            self._check_due = True

    def _hint(self, _: Request) -> None:
        self._hinted = True
        self._wake.set()

    def _hole(self, report: Request) -> None:
        try:
            self._holes.add(msgspec.json.decode(report.body, type=Hole).position)
        except msgspec.MsgspecError as error:
            log.warning("report not understood", subject=report.subject, reason=str(error))
        self._wake.set()

    async def _remind(self) -> None:
        check = self._clock.now() + CHECK
        while True:
            await self._clock.sleep(TICK)
            if self._clock.now() >= check:
                self._check_due = True
                check = self._clock.now() + CHECK
            if self._check_due or self._broker.reconnects != self._reconnects:
                self._wake.set()
