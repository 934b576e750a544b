"""Views in memory, for tests: the same promises as the real stores, kept by one event loop."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from bus.clock import uuid7
from bus.store.port import START, Checkpoint, Parked, ParkedRow
from bus.view import Page, RowData, Rows, Scalar, View
from bus.views import cursor
from bus.views.cursor import Cursor
from bus.views.kept import check_view, shape
from bus.views.port import Change, Snapshot, State, Superseded, ViewChanged, ViewMissing

Columns = Mapping[str, Scalar]


@dataclass
class Shelf:
    """One version of one view."""

    shape: str
    kinds: Mapping[str, type[str] | type[int]]
    built: bool
    checkpoints: dict[str, Checkpoint]
    stamp: str = field(default_factory=uuid7)
    slots: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, tuple[str, Columns]] = field(default_factory=dict)
    parked: dict[tuple[str, str, int], ParkedRow] = field(default_factory=dict)


class MemoryViews:
    """The views of one database, as several stores share it."""

    def __init__(self) -> None:
        self.shelves: dict[str, dict[int, Shelf]] = {}

    def flush(self) -> None:
        """Loses everything, as a Redis without a disk may."""
        self.shelves.clear()


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
        if change.place is not None:
            shelf.checkpoints[change.domain] = change.place
        for row in change.rows:
            shelf.slots.setdefault(row.key, {})[change.domain] = row.slot
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


class MemoryRows:
    """See `bus.view.Rows`. Without a shelf it is the version that is built."""

    def __init__(self, views: MemoryViews, view: str, shelf: Shelf | None = None) -> None:
        self._views = views
        self._view = view
        self._shelf = shelf

    def of(self, view: str) -> Rows:
        return MemoryRows(self._views, view)

    async def get(self, key: str) -> RowData | None:
        return (await self.many([key])).get(key)

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        rows = self._serving().rows
        return {key: msgspec.json.decode(rows[key][0]) for key in keys if key in rows}

    async def find(
        self,
        where: Mapping[str, Scalar],
        *,
        order: str | None = None,
        descending: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        shelf = self._serving()
        kind = shelf.kinds[order] if order else None
        places = sorted(
            (
                Cursor(columns[order] if order else None, key)
                for key, (_, columns) in shelf.rows.items()
                if _matches(columns, where)
            ),
            key=_sortable,
            reverse=descending,
        )
        if after is not None:
            start = _sortable(cursor.decode(after, kind))
            behind = operator.lt if descending else operator.gt
            places = [place for place in places if behind(_sortable(place), start)]
        page = places[:limit]
        rows = [msgspec.json.decode(shelf.rows[place.key][0]) for place in page]
        return Page(rows, cursor.encode(*page[-1]) if len(places) > limit else None)

    async def totals(
        self,
        by: Sequence[str],
        of: Sequence[str],
        *,
        where: Mapping[str, Scalar] | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> Sequence[RowData]:
        groups: dict[tuple[Scalar, ...], dict[str, int]] = {}
        if not by:
            groups[()] = dict.fromkeys([*of, "count"], 0)
        for _, columns in self._serving().rows.values():
            if _matches(columns, where or {}):
                group = tuple(columns[name] for name in by)
                sums = groups.setdefault(group, dict.fromkeys([*of, "count"], 0))
                sums["count"] += 1
                for name in of:
                    sums[name] += int(columns[name] or 0)
        found = sorted(groups.items(), key=lambda item: [_sortable(Cursor(v, "")) for v in item[0]])
        if order is not None:
            found.sort(key=lambda item: -item[1][order])
        return [{**dict(zip(by, group, strict=True)), **sums} for group, sums in found[:limit]]

    def _serving(self) -> Shelf:
        if self._shelf is not None:
            return self._shelf
        versions = self._views.shelves.get(self._view, {})
        built = [number for number, shelf in versions.items() if shelf.built]
        if not built:
            raise ViewMissing(self._view)
        return versions[max(built)]


def _park(shelf: Shelf, new: Parked) -> None:
    place = (new.reader, new.key, new.position)
    before = shelf.parked.get(place)
    attempts = before.attempts + 1 if before else 1
    since = before.since if before else datetime.now(UTC)
    shelf.parked[place] = ParkedRow(*new, attempts, since)


def _matches(columns: Columns, where: Mapping[str, Scalar]) -> bool:
    return all(columns[name] == value for name, value in where.items())


def _sortable(place: Cursor) -> tuple[bool, Any, str]:
    """Rows without a value come last."""
    return (place.value is None, place.value if place.value is not None else 0, place.key)
