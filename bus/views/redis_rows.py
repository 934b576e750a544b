"""What queries may ask of a view's rows in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from bus.view import Page, RowData, Rows, Scalar
from bus.views import cursor
from bus.views.builds import serving
from bus.views.cursor import Cursor
from bus.views.kept import Columns, columns_of, possible
from bus.views.port import Build, ViewMissing
from bus.views.redis_keys import Names, entry, parsed, value_entry

CHUNK = 200
"""Index entries looked at in one round trip, at least."""


class RedisRows:
    """See `bus.view.Rows`. Without `columns` the view is looked up when it is asked."""

    def __init__(self, redis: Any, names: Names, columns: Columns | None = None) -> None:
        self._redis = redis
        self._names = names
        self._columns = columns

    def of(self, view: str) -> Rows:
        return RedisRows(self._redis, Names(view, 0))

    async def get(self, key: str) -> RowData | None:
        return (await self.many([key])).get(key)

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        names, _ = await self._view()
        wanted = [key for key in keys if possible(key)]
        pipeline = self._redis.pipeline(transaction=False)
        for key in wanted:
            pipeline.hget(names.row(key), "row")
        found = zip(wanted, await pipeline.execute(), strict=True)
        return {key: msgspec.json.decode(row) for key, row in found if row is not None}

    async def find(
        self,
        where: Mapping[str, Scalar],
        *,
        order: str | None = None,
        descending: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        _, columns = await self._view()
        start = None if after is None else cursor.decode(after, columns[order] if order else None)
        if not all(map(possible, [*where.values(), *(start or ())])):
            return Page([], None)
        found = await self._found(where, order, descending, limit + 1, start)
        rows = await self.many([place.key for place in found])
        page = [rows[place.key] for place in found[:limit] if place.key in rows]
        last = found[limit - 1] if len(found) > limit else None
        return Page(page, cursor.encode(last.value if order else None, last.key) if last else None)

    async def totals(
        self,
        by: Sequence[str],
        of: Sequence[str],
        *,
        where: Mapping[str, Scalar] | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> Sequence[RowData]:
        raise TypeError("views in Redis can't be asked for totals: keep this one in Postgres")

    async def _found(
        self,
        where: Mapping[str, Scalar],
        order: str | None,
        descending: bool,
        count: int,
        start: Cursor | None,
    ) -> Sequence[Cursor]:
        """Walks one index, and leaves out what the other columns don't allow."""
        names, columns = await self._view()
        by = order or next(iter(where), None)
        index = names.keys if by is None else names.by(by)
        low, high = _range(by, where, order, descending, start)
        others = {column: value for column, value in where.items() if column != by}
        found: list[Cursor] = []
        size = max(CHUNK, count)
        while len(found) < count:
            ends = (high, low) if descending else (low, high)
            texts = await self._redis.zrange(
                index, *ends, desc=descending, bylex=True, offset=0, num=size
            )
            places = [parsed(t, columns[by]) if by else Cursor(None, t) for t in texts]
            found += await self._allowed(places, others)
            if len(texts) < size:
                break
            low, high = _behind(low, high, texts[-1], descending)
        return found[:count]

    async def _allowed(
        self, places: Sequence[Cursor], others: Mapping[str, Scalar]
    ) -> Sequence[Cursor]:
        if not others or not places:
            return places
        names, columns = await self._view()
        fields = [f"by:{list(columns).index(column) + 1}" for column in others]
        pipeline = self._redis.pipeline(transaction=False)
        for place in places:
            pipeline.hmget(names.row(place.key), fields)
        wanted = [[entry(value, place.key) for value in others.values()] for place in places]
        rows = zip(places, await pipeline.execute(), wanted, strict=True)
        return [place for place, entries, all_of in rows if entries == all_of]

    async def _view(self) -> tuple[Names, Columns]:
        """Of another view, the build that serves."""
        if self._columns is None:
            found = await self._redis.hgetall(self._names.catalogue)
            found.pop("turn", None)
            asked = serving([msgspec.json.decode(text, type=Build) for text in found.values()])
            if asked is None:
                raise ViewMissing(self._names.view)
            self._names = Names(self._names.view, asked.number)
            self._columns = columns_of(asked.shape)
        return self._names, self._columns


def _range(
    by: str | None,
    where: Mapping[str, Scalar],
    order: str | None,
    descending: bool,
    start: Cursor | None,
) -> tuple[str, str]:
    """From where to where the index is walked."""
    low, high = "-", "+"
    if by is not None and by in where:
        prefix = value_entry(where[by])
        low, high = f"[{prefix}\0", f"({prefix}\x01"
    if start is None:
        return low, high
    if by is None:
        return _behind(low, high, start.key, descending)
    value = start.value if order else where[by]
    return _behind(low, high, entry(value, start.key), descending)


def _behind(low: str, high: str, text: str, descending: bool) -> tuple[str, str]:
    return (low, f"({text}") if descending else (f"({text}", high)
