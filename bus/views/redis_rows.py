"""What queries may ask of a view's rows in Redis, as one write left them.

A question takes several looks, and rows may be written in between. What has been replaced since
the write is taken from the history, so that all looks are at one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from bus.view import RowData, Rows, Scalar
from bus.views import cursor
from bus.views.cursor import Cursor
from bus.views.finding import Finding, Placed, Sought, Summing
from bus.views.kept import Columns, possible
from bus.views.redis_keys import entry, parsed
from bus.views.redis_ranges import Range
from bus.views.redis_stood import Serves, Stood

CHUNK = 200
"""Index entries looked at in one round trip, at least."""


class RedisRows(Finding):
    """See `bus.view.Rows`. `serves` finds the view that is joined with."""

    def __init__(self, stood: Stood, columns: Columns, serves: Serves) -> None:
        self._stood = stood
        self._columns = columns
        self._serves = serves

    def of(self, view: str) -> Rows:
        return JoinedRows(view, self._serves)

    async def get(self, key: str) -> RowData | None:
        return (await self.many([key])).get(key)

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        wanted = list(dict.fromkeys(key for key in keys if possible(key)))
        found = await self._stood.of(wanted)
        rows = {key: row[0] for key, row in zip(wanted, found, strict=True)}
        return {key: msgspec.json.decode(text) for key, text in rows.items() if text}

    async def found(self, sought: Sought, most: int) -> Sequence[Placed]:
        where, order, descending, after = sought
        kind = self._columns[order] if order else None
        start = None if after is None else cursor.decode(after, kind)
        if not all(map(possible, [*where.values(), *(start or ())])):
            return []
        by = order or next(iter(where), None)
        places = await self._places(where, by, Range.of(by, where, order, descending, start), most)
        rows = await self.many([place.key for place in places])
        return [
            Placed(Cursor(place.value if order else None, place.key), rows[place.key])
            for place in places
            if place.key in rows
        ]

    async def summed(self, summing: Summing) -> Sequence[RowData]:
        raise TypeError("views in Redis can't be asked for totals: keep this one in Postgres")

    async def _places(
        self, where: Mapping[str, Scalar], by: str | None, range: Range, count: int
    ) -> Sequence[Cursor]:
        """The first `count`. Walks one index as it is now, leaves out what has been replaced
        meanwhile, and puts in how that stood."""
        stood = self._stood
        found: list[str] = []
        rest: Range | None = range
        while True:
            while rest is not None and len(found) < count:
                size = max(CHUNK, count)
                texts = await stood.walk(by, rest, size)
                rest = rest.behind(texts[-1]) if len(texts) == size else None
                found += await self._allowed(texts, by, where)
            replaced = await stood.replaced()
            found = [text for text in found if parsed_key(text, by) not in replaced]
            if rest is None or len(found) >= count:
                break
        found += self._replaced_within(where, by, range)
        found.sort(reverse=range.descending)
        kind = self._columns[by] if by else None
        return [_place(text, kind) for text in found[:count]]

    def _replaced_within(
        self, where: Mapping[str, Scalar], by: str | None, range: Range
    ) -> Sequence[str]:
        """Where the index named keys that have been replaced since."""
        names = list(self._columns)
        found = []
        for key, (row, *entries) in self._stood.known.items():
            of = dict(zip(names, entries, strict=True))
            text = of[by] if by else key
            matches = all(of[column] == entry(value, key) for column, value in where.items())
            if row and text and matches and range.holds(text):
                found.append(text)
        return found

    async def _allowed(
        self, texts: Sequence[str], by: str | None, where: Mapping[str, Scalar]
    ) -> Sequence[str]:
        others = {column: value for column, value in where.items() if column != by}
        if not others or not texts:
            return texts
        keys = [parsed_key(text, by) for text in texts]
        rows = await self._stood.now(keys, [list(self._columns).index(name) for name in others])
        wanted = [[entry(value, key) for value in others.values()] for key in keys]
        return [text for text, row, of in zip(texts, rows, wanted, strict=True) if row == of]


class JoinedRows(RedisRows):
    """Another view's, which is only looked for when it is asked."""

    def __init__(self, view: str, serves: Serves) -> None:
        self._view = view
        self._serves = serves
        self._asked = False

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        await self._ask()
        return await super().many(keys)

    async def found(self, sought: Sought, most: int) -> Sequence[Placed]:
        await self._ask()
        return await super().found(sought, most)

    async def _ask(self) -> None:
        if not self._asked:
            self._stood, self._columns = await self._serves(self._view)
            self._asked = True


def parsed_key(text: str, by: str | None) -> str:
    return text.partition("\0")[2] if by else text


def _place(text: str, kind: type[str] | type[int] | None) -> Cursor:
    return parsed(text, kind) if kind else Cursor(None, text)
