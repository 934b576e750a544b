"""Builds a view: loads the rows that events touch, folds, and writes them back.

One write at a time for all streams: a row is computed from all its slots, and two streams
may touch the same one.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import structlog

from bus.backoff import Backoff
from bus.clock import Clock, uuid7
from bus.owner import Delivered
from bus.parked import Retried
from bus.store.port import Checkpoint, ParkedRow, StoreUnavailable
from bus.views.build import Stage
from bus.views.folding import BEHIND, Folded, Slots, fold, reader
from bus.views.gathered import Read
from bus.views.known import KnownSlots
from bus.views.port import Altered, Change, State, Superseded, ViewStore
from bus.views.reading import Item
from bus.views.readings import Readings

log = structlog.get_logger()


class Rewound(Exception):
    """The view has gone back: its store was emptied. Its streams must be followed anew."""


class Builder:
    """`moved` is called after each write that this process made or has heard of.

    `mend(keys)` puts altered rows right, those of all keys where none are named. Without it
    reading and writing raise Altered. `writing` is held for as long as a write takes.
    """

    def __init__(
        self,
        store: ViewStore,
        clock: Clock,
        moved: Callable[[], None],
        mend: Callable[[Sequence[str]], Awaitable[object]] | None = None,
        writing: asyncio.Lock | None = None,
    ) -> None:
        self.view = store.view
        self._store = store
        self._clock = clock
        self._moved = moved
        self._mend = mend
        self._lock = writing or asyncio.Lock()
        self._known = KnownSlots(store)
        self._readings = Readings(self.view)
        self._state = State("", {}, frozenset(), Stage.MAKING)
        self._stale = True
        self._remembers = False

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        return self._state.checkpoints

    @property
    def serving(self) -> bool:
        """Whether queries are to be answered from these rows."""
        return self._state.serving

    async def begin(self) -> None:
        """Reads where the view is, wherever it was before."""
        async with self._lock:
            self._state = await self._store.state()
            self._stale = False
            self._remembers = False
        self._moved()

    async def look(self) -> None:
        """Hears of what other processes wrote. Raises Rewound where the store was emptied."""
        async with self._lock:
            await self._refresh()

    async def prepare(self) -> None:
        """The rows are made ready to be asked."""
        await self._store.ready()
        await self.remember()

    async def take_over(self) -> bool:
        """As the store's, for rows that are ready to be asked."""
        await self.prepare()
        async with self._lock:
            if await self._store.take_over():
                self._state = self._state._replace(stage=Stage.SERVING)
        return self.serving

    async def remember(self) -> None:
        """From now on the rows can be asked as they were; of use once they have caught up."""
        if not self._remembers:
            async with self._lock:
                await self._store.remember()
                self._remembers = True

    async def read(self, domain: str, batch: Sequence[Delivered]) -> Read:
        return await self._readings.read(domain, batch)

    async def put(self, batches: Mapping[str, Read]) -> None:
        """Returns when what was read, by domain, is in the rows, however long that takes.

        Raises Rewound.
        """
        backoff = Backoff(self._clock)
        while True:
            try:
                async with self._lock:
                    await self._fold(batches)
                return
            except Superseded:
                self._stale = True
            except Altered as error:
                await self._mended(error)
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
            except Altered as error:
                await self._mended(error)

    async def _mended(self, altered: Altered) -> None:
        self._stale = True
        if self._mend is None:
            raise altered
        await self._mend(altered.keys)

    async def _refresh(self) -> None:
        new = await self._store.state()
        old = self._state.checkpoints
        if any(old[domain].position > place.position for domain, place in new.checkpoints.items()):
            self._stale = True
            raise Rewound
        self._state, self._stale = new, False
        self._moved()

    async def _fold(self, batches: Mapping[str, Read]) -> None:
        if self._stale:
            await self._refresh()
        before = {domain: place.position for domain, place in self._state.checkpoints.items()}
        # What other processes of this view have written is left out.
        places = {d: b.place for d, b in batches.items() if b.place.position > before[d]}
        if not places:
            return
        fresh = {d: [i for i in batches[d].items if i.position > before[d]] for d in places}
        stamp = self._state.stamp
        folded = await self._folded(fresh, self._state.parked)
        # A slot that was lost makes events fail that are as they should be.
        if any(event.reason != BEHIND for event in folded.parked) and not await self._intact():
            raise Altered(())
        for event in folded.parked:
            log.error(
                "parked",
                reader=event.reader,
                key=event.key,
                position=event.position,
                reason=event.reason,
            )
        change = Change(stamp, uuid7(), places, folded.rows, folded.parked)
        await self._write(change, folded.slots)

    async def _intact(self) -> bool:
        return self._mend is None or await self._store.intact()

    async def _folded(
        self, items: Mapping[str, Sequence[Item]], blocked: Collection[tuple[str, str]]
    ) -> Folded:
        touched = itertools.chain.from_iterable(items.values())
        slots = await self._known.of(touched, self._state.stamp)
        return fold(self.view, items, slots, blocked)

    async def _retry(self, key: str | None) -> Retried:
        await self._refresh()
        parked = [row for row in await self._store.parked() if key in (None, row.key)]
        result = Retried()
        for domain in (source.contract.domain for source in self.view.sources):
            rows = [row for row in parked if row.reader == reader(self.view, domain)]
            if rows:
                result += await self._again(domain, rows)
        return result

    async def _again(self, domain: str, rows: Sequence[ParkedRow]) -> Retried:
        events = [Delivered(row.position, "", row.body) for row in rows]
        stamp = self._state.stamp
        folded = await self._folded({domain: self._readings.items(domain, events)}, ())
        left = {event.position for event in folded.parked}
        done = [(r.reader, r.key, r.position) for r in rows if r.position not in left]
        failed = {event.key: event for event in reversed(folded.parked)}
        change = Change(stamp, uuid7(), rows=folded.rows, parked=[*failed.values()], unparked=done)
        await self._write(change, folded.slots)
        await self._refresh()
        return Retried(retried=len(done), failed=len(failed))

    async def _write(self, change: Change, slots: Slots) -> None:
        await self._store.write(change)
        self._known.written(slots, change.stamp, change.next_stamp)
        state = self._state
        places = {**state.checkpoints, **change.places}
        parked = frozenset(state.parked) | {(event.reader, event.key) for event in change.parked}
        self._state = State(change.next_stamp, places, parked, state.stage)
        self._moved()
