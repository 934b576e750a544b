"""Proves that each domain's stream is its store: every position, every byte, the hash chain.

The stores are read directly, so their databases must be at hand.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from bus import subjects
from bus.broker.port import Broker, StreamMissing, StreamState
from bus.store.port import Store, StoredEvent

PAGE = 1000
PATIENCE = 30.0
"""Seconds that a stream gets to reach the head of its store."""
_GLANCE = 0.1


@dataclass
class Compared:
    """What was found of one domain.

    `trimmed` counts events that the stream has let go of by its limit, `differing` names
    positions where it has other bytes or none, or where the store has none; `chain` says
    whether the hash chain over what the stream holds ends in the store's digest. `holes` are
    those of `differing` that the stream has lost; `mended` counts those that it had lost
    before its relay, which was told, made it whole.
    """

    domain: str
    head: int
    first: int
    last: int
    compared: int = 0
    trimmed: int = 0
    differing: list[int] = field(default_factory=list)
    chain: bool = False
    holes: list[int] = field(default_factory=list)
    mended: int = 0

    @property
    def equal(self) -> bool:
        whole = self.compared + self.trimmed == self.head <= self.last
        return whole and self.chain and not self.differing


async def compare(domain: str, store: Store, broker: Broker) -> Compared:
    """Holds the stream of `domain` against its store, up to the store's head as it is now.

    Where the stream has lost messages its relay is told, as every reader would, and the two
    are compared again. Raises StoreUnavailable and BrokerUnavailable.
    """
    found = await _compare(domain, store, broker)
    if found.holes and await _mended(domain, found.holes[0], broker):
        again = await _compare(domain, store, broker)
        again.mended = len(found.holes)
        return again
    return found


async def _mended(domain: str, position: int, broker: Broker) -> bool:
    """Whether the relay makes the stream whole at `position`, in time."""
    await broker.publish(subjects.hole(domain), msgspec.json.encode({"position": position}))
    for _ in range(int(PATIENCE / _GLANCE)):
        with suppress(StreamMissing):
            if await broker.stream_get(domain, position) is not None:
                return True
        await asyncio.sleep(_GLANCE)
    return False


async def _compare(domain: str, store: Store, broker: Broker) -> Compared:
    head = await store.head()
    state = await _caught_up(domain, head.position, broker)
    found = Compared(domain, head.position, state.first, state.last)
    stream = _Stream(broker, domain, state)
    digest = bytes(32)
    after = 0
    while after < head.position:
        page = await store.read(after, min(PAGE, head.position - after))
        after = page[-1].position
        there = await stream.up_to(after)
        for event in page:
            digest = hashlib.sha256(digest + _seen(event, there, found)).digest()
    await stream.close()
    # Read again: what was recorded since may be in the stream already.
    newest = (await store.head()).position
    found.differing += range(newest + 1, state.last + 1)
    found.chain = digest == head.digest
    return found


def _seen(event: StoredEvent, there: Mapping[int, bytes], found: Compared) -> bytes:
    """The stream's bytes at the event's position; the store's own where it has none."""
    if event.position < found.first:
        found.trimmed += 1
        return event.body
    body = there.get(event.position)
    if body == event.body:
        found.compared += 1
    else:
        found.differing.append(event.position)
        if body is None and event.position <= found.last:
            found.holes.append(event.position)
    return event.body if body is None else body


async def _caught_up(domain: str, head: int, broker: Broker) -> StreamState:
    """The stream's state once it has reached `head`, or when the patience is over.

    The relay may be at work in another process: there is nothing to await but time.
    """
    state = StreamState(1, 0)
    for _ in range(int(PATIENCE / _GLANCE)):
        try:
            state = await broker.stream_state(domain)
        except StreamMissing:
            state = StreamState(1, 0)
        if state.last >= head:
            break
        await asyncio.sleep(_GLANCE)
    return state


class _Stream:
    """What a stream holds, a stretch at a time."""

    def __init__(self, broker: Broker, domain: str, state: StreamState) -> None:
        self._batches = broker.read_stream(domain, state.first - 1, PAGE)
        self._last = state.last
        self._read = state.first - 1
        self._bodies: dict[int, bytes] = {}

    async def up_to(self, position: int) -> Mapping[int, bytes]:
        """The bytes by sequence, up to `position`, of what no earlier call has given."""
        while self._read < min(position, self._last):
            batch = await anext(self._batches)
            for message in batch:
                self._bodies[message.sequence] = message.body
            # An empty one says that the end is reached: what is missing there is a hole.
            self._read = batch[-1].sequence if batch else self._last
        found = {at: body for at, body in self._bodies.items() if at <= position}
        self._bodies = {at: body for at, body in self._bodies.items() if at > position}
        return found

    async def close(self) -> None:
        if isinstance(self._batches, AsyncGenerator):
            await self._batches.aclose()
