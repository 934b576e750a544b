"""Rows as they were, found when they are first asked: whether a question joins shows only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bus.view import RowData
from bus.views.finding import Finding, Finds, Placed, Sought, Summing

Looking = Callable[[str], Awaitable[Finds]]
"""The rows of a view, by its name, as they were."""


class PastRows(Finding):
    """See `bus.view.Rows`."""

    def __init__(self, view: str, looking: Looking) -> None:
        self._view = view
        self._looking = looking
        self._asked: Finds | None = None

    def of(self, view: str) -> PastRows:
        return PastRows(view, self._looking)

    async def get(self, key: str) -> RowData | None:
        return await (await self._rows()).get(key)

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        return await (await self._rows()).many(keys)

    async def found(self, sought: Sought, most: int) -> Sequence[Placed]:
        return await (await self._rows()).found(sought, most)

    async def summed(self, summing: Summing) -> Sequence[RowData]:
        return await (await self._rows()).summed(summing)

    async def _rows(self) -> Finds:
        if self._asked is None:
            self._asked = await self._looking(self._view)
        return self._asked
