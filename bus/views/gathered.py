"""What a view has read and decoded, and what waits to be written: one write for all streams.

A row is written anew by each write that touches it, and its events follow each other within
moments, in the streams of several services. So a write waits for what comes soon.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import NamedTuple

from bus.broker.waiting import passing
from bus.clock import Clock
from bus.store.port import Checkpoint
from bus.views.reading import Item

PACE = 0.2
"""Seconds between the beginnings of two writes, unless much is waiting, or somebody is."""
MUCH = 1000
"""Events for which a write doesn't wait."""
MOST = 4000
"""Events in one write, and of one stream that wait for the next, at most; more only where a
single batch has more."""


class Read(NamedTuple):
    """What a view wants of a stream, and where that ends."""

    items: Sequence[Item]
    place: Checkpoint

    def then(self, next: Read) -> Read:
        return Read([*self.items, *next.items], next.place)


class Taken(NamedTuple):
    """`batches` by domain; the streams of `ended` have been read to their ends."""

    batches: Mapping[str, Read]
    ended: Set[str]


class Gathered:
    """Filled by a reader a stream, emptied by one writer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: deque[tuple[str, Read | None]] = deque()
        self._counts: dict[str, int] = defaultdict(int)
        self._some = asyncio.Event()
        self._urgent = asyncio.Event()
        self._room = asyncio.Event()
        self._last = datetime.min.replace(tzinfo=UTC)

    async def put(self, domain: str, batch: Read | None) -> None:
        """None: the stream has been read to its end. Returns when there was room for it."""
        count = _count(batch)
        while self._counts[domain] and self._counts[domain] + count > MOST:
            self._room.clear()
            await self._room.wait()
        self._waiting.append((domain, batch))
        self._counts[domain] += count
        self._some.set()
        if self._much:
            self._urgent.set()

    def clear(self) -> None:
        """Forgets what waits: the streams are read anew."""
        self._waiting.clear()
        self._counts.clear()
        self._some.clear()
        self._room.set()

    def hurry(self) -> None:
        """Somebody waits for the next write."""
        self._urgent.set()

    async def take(self) -> Taken:
        """What has come first in each stream, when it is time to write it."""
        await self._some.wait()
        if any(batch for _, batch in self._waiting):
            passed = abs((self._clock.now() - self._last).total_seconds())  # it may be set back
            await passing(self._clock, PACE - passed, self._urgent)
            self._last = self._clock.now()
        taken = self._take()
        self._room.set()
        if not self._waiting:
            self._some.clear()
        if not self._much:
            self._urgent.clear()
        return taken

    def _take(self) -> Taken:
        found: dict[str, Read] = {}
        ended: set[str] = set()
        count = 0
        while self._waiting:
            domain, batch = self._waiting[0]
            if found and count + _count(batch) > MOST:
                break
            self._waiting.popleft()
            count += _count(batch)
            self._counts[domain] -= _count(batch)
            if batch is None:
                ended.add(domain)
            else:
                found[domain] = found[domain].then(batch) if domain in found else batch
        return Taken(found, ended)

    @property
    def _much(self) -> bool:
        return sum(self._counts.values()) >= MUCH


def _count(batch: Read | None) -> int:
    """At least one: of batches that a view wants nothing of, no more may wait than of others."""
    return max(1, len(batch.items)) if batch else 1
