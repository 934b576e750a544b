"""A view in partitions, to ask as if it were kept as one: every answer is of one moment.

The partitions are folded by several processes, and one may be ahead of another. So what is asked
are the rows at the least positions of all: those that are further are gone back to, as a question
`as_of` is answered.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from bus.broker.port import Broker
from bus.intake import Invalid
from bus.store.port import ParkedRow, StoreUnavailable
from bus.view import View
from bus.views.between import between
from bus.views.finding import Finds
from bus.views.merged_rows import MergedRows
from bus.views.partitions import Positions, falling, least, whole
from bus.views.past import History, NotRemembered, Part, Past, Touched
from bus.views.port import Asks, RowChange, Snapshot, ViewStore
from bus.views.proof import ViewRepaired


def asked(view: View, stores: Sequence[ViewStore], broker: Broker) -> Asks:
    """What the questions to `view` are put to; `stores` are those of its partitions."""
    return stores[0] if view.partitions == 1 else Partitioned(view, stores, broker)


class Partitioned:
    """See `bus.views.port.Asks`."""

    def __init__(self, view: View, stores: Sequence[ViewStore], broker: Broker) -> None:
        self.view = view
        self._stores = stores
        self._broker = broker

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        """An event that waits in several partitions is told once."""
        found: dict[tuple[str, str, int], ParkedRow] = {}
        for store in self._stores:
            for one in await store.parked():
                name, _, domain = one.reader.partition("/")
                row = one._replace(reader=f"{whole(name)}/{domain}")
                if reader in (None, row.reader):
                    found.setdefault((row.reader, row.key, row.position), row)
        return sorted(found.values())

    async def repairs(self) -> Sequence[ViewRepaired]:
        each = [await store.repairs() for store in self._stores]
        return sorted(itertools.chain.from_iterable(each), key=lambda one: one.at, reverse=True)

    @asynccontextmanager
    async def history(self) -> AsyncIterator[History]:
        async with AsyncExitStack() as stack:
            each = [await stack.enter_async_context(one.history()) for one in self._stores]
            yield Histories(self.view, [store.view for store in self._stores], each)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        async with AsyncExitStack() as stack:
            each = [await stack.enter_async_context(one.snapshot()) for one in self._stores]
            positions = least([one.positions for one in each])
            of = zip(each, self._stores, strict=True)
            rows = [
                one.rows
                if one.positions == positions
                else await self._back(store, positions, stack)
                for one, store in of
            ]
            yield Snapshot(MergedRows(rows), positions, each[0].joined)

    async def _back(self, store: ViewStore, at: Positions, stack: AsyncExitStack) -> Finds:
        """The rows of a partition that is further than another. Raises StoreUnavailable."""
        try:
            history = await stack.enter_async_context(store.history())
            past = await history.at(store.view, at)
            return await past.rows(await between(past, at, self._broker))
        except (NotRemembered, Invalid) as error:
            message = f"a partition of the view {self.view.name} is far behind: it catches up"
            raise StoreUnavailable(message) from error


class Histories:
    """See `bus.views.port.History`: those of the partitions of `view`."""

    def __init__(self, view: View, parts: Sequence[View], each: Sequence[History]) -> None:
        self._view = view
        self._parts = parts
        self._each = each

    async def at(self, view: View, wanted: Positions) -> Past:
        if view.name != self._view.name:  # one that is joined
            return await self._each[0].at(view, wanted)
        of = zip(self._each, self._parts, strict=True)
        each = [await history.at(part, wanted) for history, part in of]
        return Pasts([part for past in each for part in past.parts])

    async def changed(
        self, one: Past, other: Past, behind: Touched, most: int
    ) -> Sequence[Touched]:
        """In the order of the writes of each partition, by their numbers."""
        found: list[Touched] = []
        for history, *both in zip(self._each, one.parts, other.parts, strict=True):
            touched = await history.changed(both[0], both[1], behind, most)
            found += [place for place in touched if place > behind]
        return sorted(found)[:most]


class Pasts:
    """See `bus.views.port.Past`. The partitions may stand at different positions."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts

    async def rows(self, changed: Sequence[RowChange]) -> MergedRows:
        by_part: list[list[RowChange]] = [[] for _ in self.parts]
        for change in changed:
            by_part[falling(change.key, len(self.parts))].append(change)
        of = zip(self.parts, by_part, strict=True)
        return MergedRows([await part.rows(own) for part, own in of])
