"""What queries may ask of a view's rows in Postgres. All in one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from bus.view import RowData, Rows
from bus.views import cursor
from bus.views.cursor import Cursor
from bus.views.finding import Finding, Placed, Sought, Summing
from bus.views.kept import Columns, columns_of, possible
from bus.views.port import ViewMissing
from bus.views.postgres_connections import Connection
from bus.views.postgres_names import table
from bus.views.postgres_questions import Sql, stretches


class PostgresRows(Finding):
    """See `bus.view.Rows`. Without `table` the view is looked up when it is asked, and its
    positions go to `joined`. `values` are those that `table` needs, if it is SQL."""

    def __init__(
        self,
        connection: Connection,
        view: str,
        table: str = "",
        columns: Columns | None = None,
        *,
        joined: dict[str, Mapping[str, int]] | None = None,
        values: Sequence[Any] = (),
    ) -> None:
        self._connection = connection
        self._view = view
        self._table = table
        self._columns: Columns = columns or {}
        self._joined = {} if joined is None else joined
        self._values = values

    def of(self, view: str) -> Rows:
        return PostgresRows(self._connection, view, joined=self._joined)

    async def get(self, key: str) -> RowData | None:
        return (await self.many([key])).get(key)

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        sql = await self._sql()
        wanted = list(dict.fromkeys(key for key in keys if possible(key)))
        found = await self._connection.fetch(sql.many(wanted), *sql.values)
        rows = {row["key"]: msgspec.json.decode(row["row"]) for row in found}
        return {key: rows[key] for key in wanted if key in rows}

    async def found(self, sought: Sought, most: int) -> Sequence[Placed]:
        where, order, descending, after = sought
        await self._sql()
        kind = self._columns[order] if order else None
        start = None if after is None else cursor.decode(after, kind)
        if not all(map(possible, start or ())):
            return []
        found: list[Any] = []
        for stretch in stretches(order, descending, start):
            if len(found) < most:
                sql = await self._sql()
                text = sql.find(where, order, descending, most - len(found), stretch)
                found += await self._connection.fetch(text, *sql.values)
        return [Placed(Cursor(value, key), msgspec.json.decode(row)) for key, row, value in found]

    async def summed(self, summing: Summing) -> Sequence[RowData]:
        by, of, *_ = summing
        sql = await self._sql()
        text = sql.totals(*summing)
        sums = {*of, "count"}
        return [
            {
                name: int(value) if name in sums else value
                for name, value in zip([*by, *of, "count"], row, strict=True)
            }
            for row in await self._connection.fetch(text, *sql.values)
        ]

    async def _sql(self) -> Sql:
        """A new statement over the view's table: of another view, the build that serves."""
        if not self._table:
            found = await self._connection.fetchrow(
                "select number, shape from view_builds where view = $1 and stage = 'serving'",
                self._view,
            )
            if found is None:
                raise ViewMissing(self._view)
            self._table = table(self._view, found["number"])
            self._columns = columns_of(found["shape"])
            places = f"select domain, position from {self._table}_checkpoints"
            self._joined[self._view] = dict(map(tuple, await self._connection.fetch(places)))
        return Sql(self._table, self._columns, list(self._values))
