"""Copies a store's events to its stream, at the numbers that they have in the store."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import aclosing

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
    StreamState,
    WrongSequence,
)
from bus.clock import Clock
from bus.contract import Contract
from bus.halt import Halt
from bus.store.port import Store, StoredEvent, StoreUnavailable
from bus.tasks import end

CHECK = 5.0
"""Seconds between two looks at the stream's end, for what nobody has told the relay."""
RUN = 2000
"""Events in one run, at most."""
QUEUED = 20_000
"""Own commits kept in memory while they wait; beyond that they are read from the store."""

OTHER_BYTES = "the bytes are not the same"

log = structlog.get_logger()


class StreamDiverged(Halt):
    """The stream holds something that the store has not written there."""

    def __init__(self, contract: Contract, position: int, what: str) -> None:
        domain, stream = contract.domain, contract.stream
        super().__init__(
            f"Stream {stream} and {domain}'s store differ at position {position}: {what}. "
            f"Somebody restored an old backup or wrote around the relay. Nothing more is "
            f"relayed. Look at both (nats stream get {stream} {position}; nats req "
            f'log.{domain}.read \'{{"after":{position - 1},"limit":1}}\'), then run: '
            f"trueup repair {domain}"
        )
        self.position = position


class Hole(Struct):
    """A reader's report; `position` is the first event that it did not find."""

    position: int


class Relay:
    """Runs in one process of a domain; a second one would only be refused by the stream.

    `published` is the stream's last position as far as known, `rebuilt` counts how often
    the stream had to be made again because it had lost events.
    """

    def __init__(self, contract: Contract, store: Store, broker: Broker, clock: Clock) -> None:
        self._contract = contract
        self._domain = contract.domain
        self._store = store
        self._broker = broker
        self._clock = clock
        self._queue: deque[StoredEvent] = deque()
        self._holes: set[int] = set()
        self._wake = asyncio.Event()
        self._head = 0
        self._hinted = False
        self._check_due = True
        self._reconnects = -1
        self.published = 0
        self.rebuilt = 0

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
        # Behind a foreign message, all but the first of a run would follow on: so the first
        # is acknowledged by itself.
        parts = ((self.published, outgoing[:1]), (self.published + 1, outgoing[1:]))
        sent = [
            self._broker.publish_run(self._domain, after, part) for after, part in parts if part
        ]
        for result in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        self.published = run[-1].position

    async def _check(self) -> None:
        """Finds out where the stream ends, and that it ends with the store's own event.

        The stream's end is read before the store's head: so an other relay that goes on
        meanwhile can't look like a stream that is ahead.
        """
        self._reconnects = self._broker.reconnects
        state = await self._broker.ensure_stream(self._domain)
        head = (await self._store.head()).position
        if state.last > head:
            what = f"the stream goes on to {state.last}, the store ends at {head}"
            raise StreamDiverged(self._contract, head + 1, what)
        if state.first <= state.last and await self._lacks(state.last):
            await self._rebuild(state)
            return
        if 0 < self.published < state.last:
            await self._compare(self.published, state.last)
        self._check_due = False
        self._head = max(self._head, head)
        self.published = state.last

    async def _compare(self, after: int, until: int) -> None:
        """What somebody else has put behind our last event must be the store's, too."""
        source = self._broker.read_stream(self._domain, after)
        async with aclosing(source) as batches:  # type: ignore[type-var]
            async for batch in batches:
                if not batch:
                    return
                stored = await self._store.read(batch[0].sequence - 1, until - after)
                bodies = {event.position: event.body for event in stored}
                for message in batch:
                    if message.sequence > until:
                        return
                    if bodies.get(message.sequence, message.body) != message.body:
                        raise StreamDiverged(self._contract, message.sequence, OTHER_BYTES)

    async def _repair(self) -> None:
        """Looks at what readers have missed; what is there (again) needs nothing."""
        reported = sorted(self._holes)
        self._holes.clear()
        state = await self._broker.stream_state(self._domain)
        for position in reported:
            if state.first <= position <= state.last and await self._lacks(position):
                await self._rebuild(state)
                return

    async def _lacks(self, position: int) -> bool:
        """Whether the stream has nothing at `position`. Raises StreamDiverged where it has
        something else than the store."""
        body = await self._broker.stream_get(self._domain, position)
        if body is None:
            return True
        stored = await self._store.read(position - 1, 1)
        if not stored or stored[0].body != body:
            raise StreamDiverged(self._contract, position, OTHER_BYTES)
        return False

    async def _rebuild(self, state: StreamState) -> None:
        """The stream is a cache: the same bytes are written at the same numbers again."""
        log.warning("stream made again", stream=self._contract.stream, first=state.first)
        self._check_due = True
        await self._broker.delete_stream(self._domain)
        await self._broker.ensure_stream(self._domain, state.first)
        self.rebuilt += 1

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
        while True:
            await self._clock.sleep(CHECK)
            self._check_due = True
            self._wake.set()
