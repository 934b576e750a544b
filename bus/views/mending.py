"""Puts rows right that are not what the events say, and books it.

What is right is folded anew from the first event on, up to exactly where the build is: the keys
that are known to be wrong in memory, or all of them in a shadow build, to find which are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec
import structlog

from bus.broker.port import Broker
from bus.clock import Clock, uuid7
from bus.envelope import Recorded
from bus.messages import Event
from bus.view import View
from bus.views.build import Aim
from bus.views.builder import Rewound
from bus.views.comparing import compared
from bus.views.folding import shown
from bus.views.memory import MemoryViewStore
from bus.views.partitions import least
from bus.views.port import Altered, RowChange, Superseded, ViewStore
from bus.views.proof import Mend, ViewRepaired
from bus.views.shadow import Place, Positions, Shadow

T = TypeVar("T")

log = structlog.get_logger()


@dataclass
class Verified:
    """What a comparison of all keys has found: `differing` holds what stands there and what is
    right by key, as JSON, None where nothing is. `repaired` is what was booked."""

    compared: int = 0
    differing: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    positions: Mapping[str, int] = field(default_factory=dict)
    repaired: Sequence[ViewRepaired] = ()

    def __add__(self, other: Verified) -> Verified:
        """What was found in two of a view's partitions, up to where both have come."""
        both = [of for of in (self.positions, other.positions) if of]
        return Verified(
            self.compared + other.compared,
            self.differing | other.differing,
            least(both) if both else {},
            [*self.repaired, *other.repaired],
        )


class Mending:
    """Of the build that `store` works on. One at a time.

    Whoever writes to the build in this process holds `writing`: so under load what is mended does
    not lose every race against the next write.
    """

    def __init__(
        self, store: ViewStore, broker: Broker, clock: Clock, writing: asyncio.Lock | None = None
    ) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._writing = writing or asyncio.Lock()
        self._turn = asyncio.Lock()

    async def keys(self, keys: Sequence[str]) -> Sequence[ViewRepaired]:
        """Puts right what is wrong of `keys`; none given: of all.

        Raises Halt, StoreUnavailable, BrokerUnavailable.
        """
        if not keys:
            return (await self.all()).repaired
        async with self._turn:
            return await self._again(lambda: self._keys(keys))

    async def all(
        self, *, repair: bool = True, told: Callable[[int], None] = lambda done: None
    ) -> Verified:
        """Compares all keys with what the events say, and puts right, if it is to `repair`.
        `told(events)` is called as it goes on. Raises as `keys` does."""
        async with self._turn:
            return await self._again(lambda: self._all(repair=repair, told=told))

    async def _again(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Begins anew where the build itself was begun anew, or the shadow was altered."""
        while True:
            try:
                return await attempt()
            except (Rewound, Altered) as error:
                log.info("begins anew", view=self._store.view.name, reason=repr(error))

    async def _keys(self, keys: Sequence[str]) -> Sequence[ViewRepaired]:
        made = MemoryViewStore(_only(self._store.view, frozenset(keys)))
        await made.open()
        left_out = await self._parked()
        shadow = Shadow(made, self._broker, self._clock, left_out=left_out)
        async with shadow.reading():
            return await self._mended(shadow, keys, left_out)

    async def _all(self, *, repair: bool, told: Callable[[int], None]) -> Verified:
        found, left_out = Verified(), await self._parked()
        async with self._beside() as made:
            shadow = Shadow(
                made,
                self._broker,
                self._clock,
                left_out=left_out,
                told=lambda done, seconds: told(sum(shadow.positions.values())),
            )
            async with shadow.reading():
                async with aclosing(compared(shadow, self._store)) as stretches:
                    async for stretch in stretches:
                        found.compared += stretch.keys
                        await self._note(found, shadow, stretch.differing)
                if repair:
                    keys = [*found.differing]
                    found.repaired = await self._mended(shadow, keys, left_out, whole=True)
                found.positions = shadow.positions
        return found

    async def _note(self, found: Verified, shadow: Shadow, keys: Sequence[str]) -> None:
        if keys:
            theirs, right = await self._store.held(keys), await shadow.store.held(keys)
            found.differing |= {key: (theirs.get(key), right.get(key)) for key in keys}

    async def _mended(
        self,
        shadow: Shadow,
        keys: Sequence[str],
        left_out: frozenset[Place],
        *,
        whole: bool = False,
    ) -> Sequence[ViewRepaired]:
        """Rests on the stamp: where another process has written, the shadow moves on, too."""
        await shadow.advance(await self._goal())
        while True:
            async with self._writing:
                try:
                    return await self._once(shadow, keys, left_out, whole=whole)
                except Superseded:
                    continue

    async def _goal(self) -> Positions:
        places = (await self._store.state()).checkpoints
        return {domain: place.position for domain, place in places.items()}

    async def _once(
        self, shadow: Shadow, keys: Sequence[str], left_out: frozenset[Place], *, whole: bool
    ) -> Sequence[ViewRepaired]:
        """Raises Superseded, Rewound."""
        state = await self._store.state()
        goal = {domain: place.position for domain, place in state.checkpoints.items()}
        await shadow.advance(goal)
        if shadow.positions != goal or not left_out <= await self._parked():
            raise Rewound
        rows = await self._right(shadow, keys)
        gone = [key for key in keys if key not in rows]
        sums = await shadow.store.sums() if whole else None
        mend = Mend(state.stamp, uuid7(), list(rows.values()), gone, sums)
        return self._said(await self._store.mend(mend))

    def _said(self, repaired: Sequence[ViewRepaired]) -> Sequence[ViewRepaired]:
        for one in repaired:
            log.error("row was altered", view=one.view, key=one.key, was=one.before, is_=one.after)
        return repaired

    async def _right(self, shadow: Shadow, keys: Sequence[str]) -> Mapping[str, RowChange]:
        """The whole rows of those of the keys that there are."""
        view = self._store.view
        shapes = {source.contract.domain: source.slot for source in view.sources}
        rows = {}
        for key, texts in (await shadow.store.load(keys)).items():
            slots = {d: msgspec.json.decode(text, type=shapes[d]) for d, text in texts.items()}
            rows[key] = RowChange(key, texts, *shown(view, slots))
        return rows

    async def _parked(self) -> frozenset[Place]:
        """Events that wait in the build: they are in no row of it."""
        rows = await self._store.parked()
        return frozenset((row.reader.rpartition("/")[2], row.position) for row in rows)

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[ViewStore]:
        """A shadow build that is gone afterwards."""
        made = self._store.beside(Aim.SHADOW)
        await made.open()
        try:
            yield made
        finally:
            try:
                await made.abandon()
            finally:
                await made.close()


def _only(view: View, keys: frozenset[str]) -> View:
    """The view, of these keys alone."""

    def some(event: Recorded[Event]) -> Iterable[str]:
        return [key for key in view.keys(event) if key in keys]

    return replace(view, keys=some)
