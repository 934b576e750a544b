"""The rows of several partitions, to ask as if they were one's."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bus.view import RowData, Rows, Scalar
from bus.views.cursor import Cursor
from bus.views.finding import Finding, Finds, Placed, Sought, Summing
from bus.views.partitions import falling


class MergedRows(Finding):
    """See `bus.view.Rows`. `parts` are by partition."""

    def __init__(self, parts: Sequence[Finds]) -> None:
        self._parts = parts

    def of(self, view: str) -> Rows:
        return self._parts[0].of(view)

    async def get(self, key: str) -> RowData | None:
        return (await self.many([key])).get(key)

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        wanted = list(dict.fromkeys(keys))
        by_part: dict[int, list[str]] = defaultdict(list)
        for key in wanted:
            by_part[falling(key, len(self._parts))].append(key)
        found: dict[str, RowData] = {}
        for number, those in by_part.items():
            found.update(await self._parts[number].many(those))
        return {key: found[key] for key in wanted if key in found}

    async def found(self, sought: Sought, most: int) -> Sequence[Placed]:
        """The first of all are among the first of each."""
        each = await asyncio.gather(*(part.found(sought, most) for part in self._parts))
        placed = sorted(
            itertools.chain.from_iterable(each),
            key=lambda one: one.place.sortable,
            reverse=sought.descending,
        )
        return placed[:most]

    async def summed(self, summing: Summing) -> Sequence[RowData]:
        by, of, where, order, limit = summing
        own = Summing(by, of, where)
        each = await asyncio.gather(*(part.summed(own) for part in self._parts))
        sums: dict[tuple[Scalar, ...], dict[str, Any]] = {}
        for row in itertools.chain.from_iterable(each):
            group = tuple(row[name] for name in by)
            total = sums.setdefault(group, dict.fromkeys([*of, "count"], 0))
            for name in total:
                total[name] += row[name]
        found = sorted(sums.items(), key=lambda one: [Cursor(v, "").sortable for v in one[0]])
        if order is not None:
            found.sort(key=lambda one: -one[1][order])
        return [{**dict(zip(by, group, strict=True)), **total} for group, total in found[:limit]]
