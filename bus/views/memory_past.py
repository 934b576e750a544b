"""Views in memory as they were."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bus.view import View
from bus.views.builds import remembering
from bus.views.memory_rows import MemoryRows
from bus.views.memory_shelf import MemoryViews, Moment, Row, Shelf
from bus.views.past import NotRemembered, Past, Touched, Write
from bus.views.port import RowChange, ViewMissing


class MemoryHistory:
    """See `bus.views.port.History`."""

    def __init__(self, views: MemoryViews) -> None:
        self._views = views

    async def at(self, view: View, wanted: Mapping[str, int]) -> MemoryPast:
        there = remembering(view, self._views.builds(view.name))
        if not there:
            raise ViewMissing(view.name)
        since = None
        for build in there:
            shelf = self._views.shelves[view.name][build.number]
            if (moment := last_moment(shelf, wanted)) is not None:
                return MemoryPast(self._views, view, shelf, moment)
            since = since or (shelf.moments[0].positions if shelf.moments else None)
        raise NotRemembered(view, since)

    async def changed(
        self, one: Past, other: Past, behind: Touched, most: int
    ) -> Sequence[Touched]:
        (first,), (second,) = one.parts, other.parts
        writes = (first.write, second.write)
        shelves = [self._views.shelves[first.view.name][write.build] for write in writes]
        if shelves[0] is shelves[1]:
            found = _written(shelves[0], *sorted(write.number for write in writes))
        else:
            found = {Touched(0, key) for shelf in shelves for key in shelf.rows}
        return sorted(touched for touched in found if touched > behind)[:most]


class MemoryPast:
    """See `bus.views.port.Part`."""

    def __init__(self, views: MemoryViews, view: View, shelf: Shelf, moment: Moment) -> None:
        self.positions = moment.positions
        self.write = Write(shelf.build.number, moment.number)
        self.view = view
        self.parts = (self,)
        self._views = views
        self._shelf = shelf
        self._rows = shelf.as_of(moment.number)

    async def parked(self) -> Collection[tuple[str, str]]:
        at = {f"{self.view.name}/{domain}": n for domain, n in self.positions.items()}
        there = self._shelf.parked.values()
        return {(row.reader, row.key) for row in there if row.position <= at[row.reader]}

    async def slots(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        return {key: self._rows[key].slots for key in keys if key in self._rows}

    async def rows(self, changed: Sequence[RowChange]) -> MemoryRows:
        rows = {**self._rows, **{change.key: self._changed(change) for change in changed}}
        shelf = Shelf(self._shelf.build, self._shelf.kinds, {}, rows=rows)
        return MemoryRows(self._views, self.view.name, shelf)

    def _changed(self, change: RowChange) -> Row:
        columns = dict(zip(self.view.columns, change.columns, strict=True))
        return Row(0, {}, (change.row, columns) if change.row is not None else None)


def _written(shelf: Shelf, after: int, upto: int) -> set[Touched]:
    """The first time that each key was."""
    standing = [(key, row.since) for key, row in shelf.rows.items()]
    gone = [(key, one.row.since) for key, rows in shelf.superseded.items() for one in rows]
    first: dict[str, int] = {}
    for key, number in standing + gone:
        if after < number <= upto:
            first[key] = min(number, first.get(key, number))
    return {Touched(number, key) for key, number in first.items()}


def last_moment(shelf: Shelf, wanted: Mapping[str, int]) -> Moment | None:
    """The last that is beyond `wanted` in no stream."""
    for moment in reversed(shelf.moments):
        if all(n <= wanted[domain] for domain, n in moment.positions.items()):
            return moment
    return None
