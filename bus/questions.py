"""Questions that many views are asked, to be named among a view's `queries`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bus.view import Page, Paged, Query, RowData, Rows, UnknownKey


def by_key(name: str = "get") -> Query:
    """`qry.<view>.get.<key>`: the row under the key; 404 where there is none."""

    async def get(rows: Rows, key: str, _: Any) -> RowData:
        if (found := await rows.get(key)) is None:
            raise UnknownKey(key)
        return found

    return Query(name, get, keyed=True)


def listing(name: str = "list") -> Query:
    """`qry.<view>.list`: all rows in the order of their keys, page by page."""

    async def listed(rows: Rows, _: str, asked: Paged) -> Page:
        return await rows.find({}, limit=asked.limit, after=asked.page)

    return Query(name, listed, Paged, example='{"limit":100}')


def ranking(column: str, name: str = "top") -> Query:
    """`qry.<view>.top`: rows by one of the view's `columns`, the largest first, page by page."""

    async def ranked(rows: Rows, _: str, asked: Paged) -> Page:
        return await rows.find(
            {}, order=column, descending=True, limit=asked.limit, after=asked.page
        )

    return Query(name, ranked, Paged, example='{"limit":10}')


def totals(by: Sequence[str], of: Sequence[str], name: str = "totals") -> Query:
    """`qry.<view>.totals`: as `rows` the sums of the columns `of` and a `count`, for each of the
    values that the columns `by` have together. Not for Redis."""

    async def summed(rows: Rows, _: str, __: Any) -> Mapping[str, Any]:
        return {"rows": await rows.totals(by, of)}

    return Query(name, summed)
