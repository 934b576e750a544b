"""What the keys of a Redis view held after one write, whatever has been written since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from bus.views.kept import Columns
from bus.views.redis_keys import Names
from bus.views.redis_ranges import Range

Fields = Sequence[str | None]
"""A row's fields, as asked for; None where it does not have one."""


class Stood:
    """One build after its write number `moment`. `known` holds how the keys stood that have been
    replaced since, as far as that has been looked at: row, and an index entry a column; or as a
    past that no write has left has them. `asked` once anything of it was read."""

    def __init__(
        self,
        redis: Any,
        stood: Any,
        names: Names,
        columns: Columns,
        *,
        moment: int,
        known: Mapping[str, Fields] | None = None,
    ) -> None:
        self.known: dict[str, Fields] = dict(known or {})
        self._redis = redis
        self._script = stood
        self._names = names
        self._columns = list(columns)
        self._moment = moment
        self._seen = moment
        self.asked = False

    async def of(self, keys: Sequence[str]) -> Sequence[Fields]:
        """Row and index entries of each key."""
        missing = [key for key in keys if key not in self.known]
        fields = ["row", *(f"by:{n + 1}" for n in range(len(self._columns)))]
        rows = await self.held(missing, fields)
        found = {**self.known, **dict(zip(missing, rows, strict=True))}
        return [found[key] for key in keys]

    async def held(self, keys: Sequence[str], fields: Sequence[str]) -> Sequence[Fields]:
        """Any fields of each key."""
        if not keys:
            return []
        self.asked = True
        names = self._names
        text = await self._script(
            keys=[names.head, names.since, names.row(""), names.history("")],
            args=[self._moment, _text(keys), _text(fields)],
        )
        return [[field or None for field in row] for row in msgspec.json.decode(text)]

    async def walk(self, by: str | None, range: Range, size: int) -> Sequence[str]:
        """Entries of an index as it is now."""
        self.asked = True
        ends = (range.high, range.low) if range.descending else (range.low, range.high)
        index = self._names.by(by) if by else self._names.keys
        found: Sequence[str] = await self._redis.zrange(
            index, *ends, desc=range.descending, bylex=True, offset=0, num=size
        )
        return found

    async def now(self, keys: Sequence[str], columns: Sequence[int]) -> Sequence[Fields]:
        """The index entries of some columns, as they are now."""
        pipeline = self._redis.pipeline(transaction=False)
        for key in keys:
            pipeline.hmget(self._names.row(key), [f"by:{column + 1}" for column in columns])
        found: Sequence[Fields] = await pipeline.execute()
        return found

    async def replaced(self) -> Mapping[str, Fields]:
        """All that has been replaced since the write, up to now."""
        since = self._names.since
        new = await self._redis.zrange(
            since, f"({self._seen}", "+inf", byscore=True, withscores=True
        )
        missing = [key for key, _ in new if key not in self.known]
        self.known.update(zip(missing, await self.of(missing), strict=True))
        if new:
            self._seen = int(new[-1][1])
        return self.known


Serves = Callable[[str], Awaitable[tuple[Stood, Columns]]]
"""What serves a view, by its name. Raises ViewMissing."""


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
