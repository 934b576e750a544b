"""Rows as they were, found when they are first asked: whether a question joins shows only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bus.view import Page, RowData, Rows, Scalar

Finding = Callable[[str], Awaitable[Rows]]
"""The rows of a view, by its name, as they were."""


class PastRows:
    """See `bus.view.Rows`."""

    def __init__(self, view: str, finding: Finding) -> None:
        self._view = view
        self._finding = finding
        self._found: Rows | None = None

    def of(self, view: str) -> Rows:
        return PastRows(view, self._finding)

    async def get(self, key: str) -> RowData | None:
        return await (await self._rows()).get(key)

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        return await (await self._rows()).many(keys)

    async def find(
        self,
        where: Mapping[str, Scalar],
        *,
        order: str | None = None,
        descending: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        return await (await self._rows()).find(
            where, order=order, descending=descending, limit=limit, after=after
        )

    async def totals(
        self,
        by: Sequence[str],
        of: Sequence[str],
        *,
        where: Mapping[str, Scalar] | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> Sequence[RowData]:
        rows = await self._rows()
        return await rows.totals(by, of, where=where, order=order, limit=limit)

    async def _rows(self) -> Rows:
        if self._found is None:
            self._found = await self._finding(self._view)
        return self._found
