"""Views in memory, for tests: the same promises as the real stores, kept by one event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from bus.store.port import START, Parked, ParkedRow
from bus.view import View
from bus.views.kept import check_view, shape
from bus.views.memory_rows import MemoryRows
from bus.views.memory_shelf import MemoryViews, Shelf
from bus.views.port import Change, Snapshot, State, Superseded, ViewChanged

__all__ = ["MemoryViewStore", "MemoryViews"]


class MemoryViewStore:
    """See `bus.views.port.ViewStore`."""

    def __init__(self, view: View, views: MemoryViews | None = None) -> None:
        check_view(view)
        self.view = view
        self._views = views or MemoryViews()

    async def open(self) -> None:
        versions = self._views.shelves.setdefault(self.view.name, {})
        if self.view.version not in versions:
            places = {source.contract.domain: START for source in self.view.sources}
            shelf = Shelf(shape(self.view), self.view.columns, not versions, places)
            versions[self.view.version] = shelf
        self._shelf()

    async def close(self) -> None:
        pass

    async def state(self) -> State:
        if self.view.name not in self._views.shelves:
            await self.open()  # everything was lost
        shelf = self._shelf()
        parked = {(row.reader, row.key) for row in shelf.parked.values()}
        return State(shelf.stamp, dict(shelf.checkpoints), parked, shelf.built)

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        slots = self._shelf().slots
        return {key: dict(slots[key]) for key in keys if key in slots}

    async def write(self, change: Change) -> None:
        shelf = self._shelf()
        if shelf.stamp != change.stamp:
            raise Superseded
        shelf.stamp = change.next_stamp
        shelf.checkpoints |= change.places
        for row in change.rows:
            shelf.slots.setdefault(row.key, {}).update(row.slots)
            shelf.rows.pop(row.key, None)
            if row.row is not None:
                columns = dict(zip(self.view.columns, row.columns, strict=True))
                shelf.rows[row.key] = (row.row, columns)
        for gone in change.unparked:
            shelf.parked.pop(gone, None)
        for parked in change.parked:
            _park(shelf, parked)

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        rows = self._shelf().parked
        return [rows[place] for place in sorted(rows) if reader in (None, place[0])]

    async def settle(self) -> None:
        shelf = self._shelf()
        shelf.built = True
        self._views.shelves[self.view.name] = {self.view.version: shelf}

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        shelf = self._shelf()
        positions = {domain: place.position for domain, place in shelf.checkpoints.items()}
        yield Snapshot(MemoryRows(self._views, self.view.name, shelf), positions)

    def _shelf(self) -> Shelf:
        shelf = self._views.shelves.get(self.view.name, {}).get(self.view.version)
        if shelf is None:
            raise ViewChanged.gone(self.view)
        if shelf.shape != shape(self.view):
            raise ViewChanged.of(self.view)
        return shelf


def _park(shelf: Shelf, new: Parked) -> None:
    place = (new.reader, new.key, new.position)
    before = shelf.parked.get(place)
    attempts = before.attempts + 1 if before else 1
    since = before.since if before else datetime.now(UTC)
    shelf.parked[place] = ParkedRow(*new, attempts, since)
