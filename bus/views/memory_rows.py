"""What queries may ask of a view's rows in memory."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from bus.view import RowData, Rows, Scalar
from bus.views import cursor
from bus.views.cursor import Cursor
from bus.views.finding import Finding, Placed, Sought, Summing
from bus.views.memory_shelf import Columns, MemoryViews, Shelf


class MemoryRows(Finding):
    """See `bus.view.Rows`. Without a shelf it is the build that serves."""

    def __init__(
        self,
        views: MemoryViews,
        view: str,
        shelf: Shelf | None = None,
        joined: dict[str, Mapping[str, int]] | None = None,
    ) -> None:
        self._views = views
        self._view = view
        self._shelf = shelf
        self._joined = {} if joined is None else joined

    def of(self, view: str) -> Rows:
        return MemoryRows(self._views, view, joined=self._joined)

    async def get(self, key: str) -> RowData | None:
        return (await self.many([key])).get(key)

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        rows = self._serving().shown
        return {key: msgspec.json.decode(rows[key][0]) for key in keys if key in rows}

    async def found(self, sought: Sought, most: int) -> Sequence[Placed]:
        where, order, descending, after = sought
        shelf = self._serving()
        shown = shelf.shown
        kind = shelf.kinds[order] if order else None
        places = sorted(
            (
                Cursor(columns[order] if order else None, key)
                for key, (_, columns) in shown.items()
                if _matches(columns, where)
            ),
            key=lambda place: place.sortable,
            reverse=descending,
        )
        if after is not None:
            start = cursor.decode(after, kind).sortable
            behind = operator.lt if descending else operator.gt
            places = [place for place in places if behind(place.sortable, start)]
        rows = (msgspec.json.decode(shown[place.key][0]) for place in places[:most])
        return list(map(Placed, places, rows))

    async def summed(self, summing: Summing) -> Sequence[RowData]:
        by, of, where, order, limit = summing
        groups: dict[tuple[Scalar, ...], dict[str, int]] = {}
        if not by:
            groups[()] = dict.fromkeys([*of, "count"], 0)
        for _, columns in self._serving().shown.values():
            if _matches(columns, where):
                group = tuple(columns[name] for name in by)
                sums = groups.setdefault(group, dict.fromkeys([*of, "count"], 0))
                sums["count"] += 1
                for name in of:
                    sums[name] += int(columns[name] or 0)
        found = sorted(groups.items(), key=lambda item: [Cursor(v, "").sortable for v in item[0]])
        if order is not None:
            found.sort(key=lambda item: -item[1][order])
        return [{**dict(zip(by, group, strict=True)), **sums} for group, sums in found[:limit]]

    def _serving(self) -> Shelf:
        if self._shelf is None:
            self._shelf = self._views.serving(self._view)
            self._joined[self._view] = self._shelf.positions
        return self._shelf


def _matches(columns: Columns, where: Mapping[str, Scalar]) -> bool:
    return all(columns[name] == value for name, value in where.items())
