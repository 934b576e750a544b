"""Builds a view: loads the rows that a batch touches, folds, and writes them back.

One batch at a time, whichever stream it is from: a row is computed from all its slots, and
two streams may touch the same one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from bus.backoff import Backoff
from bus.clock import Clock, uuid7
from bus.owner import Delivered, identify
from bus.parked import Retried
from bus.store.port import Checkpoint, ParkedRow, StoreUnavailable
from bus.view import Source
from bus.views.folding import Slots, fold, reader
from bus.views.known import KnownSlots
from bus.views.port import Change, State, Superseded, ViewStore
from bus.views.reading import Item, Reading

STRETCH = 250
"""Events decoded at a stretch: then queries and what came from the store have their turn."""

log = structlog.get_logger()


class Read(NamedTuple):
    """A batch, decoded: what the view wants of it, and where it ends."""

    items: Sequence[Item]
    place: Checkpoint


class Rewound(Exception):
    """The view has gone back: its store was emptied. Its streams must be followed anew."""


class Builder:
    """`moved` is called after each write that this process made or has heard of."""

    def __init__(self, store: ViewStore, clock: Clock, moved: Callable[[], None]) -> None:
        self.view = store.view
        self._store = store
        self._clock = clock
        self._moved = moved
        self._lock = asyncio.Lock()
        self._known = KnownSlots(store)
        self._readings = {
            source.contract.domain: Reading(self.view, source) for source in self.view.sources
        }
        self._state = State("", {}, frozenset(), True)
        self._stale = True

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        return self._state.checkpoints

    @property
    def built(self) -> bool:
        return self._state.built

    async def begin(self) -> None:
        """Reads where the view is, wherever it was before."""
        async with self._lock:
            self._state = await self._store.state()
            self._stale = False
        self._moved()

    async def look(self) -> None:
        """Hears of what other processes wrote. Raises Rewound where the store was emptied."""
        async with self._lock:
            await self._refresh()

    async def settle(self) -> None:
        """This version of the view takes the place of all others."""
        async with self._lock:
            await self._store.settle()
            self._state = self._state._replace(built=True)

    async def take(self, source: Source, batch: Sequence[Delivered]) -> None:
        """Returns when the batch is in the rows, however long that takes. Raises Rewound."""
        await self.put(source, await self.read(source, batch))

    async def read(self, source: Source, batch: Sequence[Delivered]) -> Read:
        """Decodes the batch; whatever else there is to do goes on meanwhile."""
        items: list[Item] = []
        reading = self._readings[source.contract.domain]
        for start in range(0, len(batch), STRETCH):
            items += reading.items(batch[start : start + STRETCH])
            await asyncio.sleep(0)
        return Read(items, Checkpoint(batch[-1].position, identify(batch[-1].body).id))

    async def put(self, source: Source, batch: Read) -> None:
        """Returns when what was read is in the rows, as `take` does. Raises Rewound."""
        backoff = Backoff(self._clock)
        while True:
            try:
                async with self._lock:
                    await self._fold(source, *batch)
                return
            except Superseded:
                self._stale = True
            except StoreUnavailable as error:
                self._stale = True  # the write may have happened all the same
                log.warning("view waits", view=self.view.name, reason=str(error))
                await backoff.pause()

    async def retry(self, key: str | None) -> Retried:
        """Folds what is parked of `key`, or of all keys, in order, up to the first event of
        each key that fails again. Raises StoreUnavailable."""
        while True:
            try:
                async with self._lock:
                    return await self._retry(key)
            except Superseded:
                self._stale = True

    async def _refresh(self) -> None:
        new = await self._store.state()
        old = self._state.checkpoints
        if any(old[domain].position > place.position for domain, place in new.checkpoints.items()):
            self._stale = True
            raise Rewound
        self._state, self._stale = new, False
        self._moved()

    async def _fold(self, source: Source, items: Sequence[Item], place: Checkpoint) -> None:
        if self._stale:
            await self._refresh()
        domain, name = source.contract.domain, reader(self.view, source)
        before = self._state.checkpoints[domain].position
        if place.position <= before:
            return  # another process of this view was quicker
        fresh = [item for item in items if item.position > before]
        blocked = {key for parked_by, key in self._state.parked if parked_by == name}
        stamp = self._state.stamp
        folded = fold(self.view, source, fresh, await self._known.of(fresh, stamp), blocked)
        for event in folded.parked:
            log.error(
                "parked",
                reader=name,
                key=event.key,
                position=event.position,
                reason=event.reason,
            )
        change = Change(domain, stamp, uuid7(), place, folded.rows, folded.parked)
        await self._write(change, folded.slots)

    async def _retry(self, key: str | None) -> Retried:
        await self._refresh()
        parked = [row for row in await self._store.parked() if key in (None, row.key)]
        result = Retried()
        for source in self.view.sources:
            rows = [row for row in parked if row.reader == reader(self.view, source)]
            if rows:
                result += await self._again(source, rows)
        return result

    async def _again(self, source: Source, rows: Sequence[ParkedRow]) -> Retried:
        events = [Delivered(row.position, "", row.body) for row in rows]
        domain, stamp = source.contract.domain, self._state.stamp
        items = self._readings[domain].items(events)
        folded = fold(self.view, source, items, await self._known.of(items, stamp), ())
        left = {event.position for event in folded.parked}
        done = [(r.reader, r.key, r.position) for r in rows if r.position not in left]
        failed = {event.key: event for event in reversed(folded.parked)}
        change = Change(
            domain, stamp, uuid7(), rows=folded.rows, parked=[*failed.values()], unparked=done
        )
        await self._write(change, folded.slots)
        await self._refresh()
        return Retried(retried=len(done), failed=len(failed))

    async def _write(self, change: Change, slots: Slots) -> None:
        await self._store.write(change)
        self._known.written(slots, change.stamp, change.next_stamp)
        state = self._state
        places = dict(state.checkpoints)
        if change.place is not None:
            places[change.domain] = change.place
        parked = frozenset(state.parked) | {(event.reader, event.key) for event in change.parked}
        self._state = State(change.next_stamp, places, parked, state.built)
        self._moved()
