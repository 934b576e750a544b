"""Views in Postgres as they were."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bus.view import View
from bus.views import postgres_builds
from bus.views.builds import remembering
from bus.views.past import NotRemembered, Past, Touched, Write
from bus.views.port import RowChange, ViewMissing
from bus.views.postgres_connections import Connection
from bus.views.postgres_history import both_statement, touched
from bus.views.postgres_names import columns, positions, slots, table
from bus.views.postgres_rows import PostgresRows
from bus.views.postgres_tables import CAST


class PostgresHistory:
    """See `bus.views.port.History`. `connection` is in a transaction with one snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def at(self, view: View, wanted: Mapping[str, int]) -> PostgresPast:
        there = remembering(view, await postgres_builds.listed(self._connection, view.name))
        if not there:
            raise ViewMissing(view.name)
        since = None
        for build in there:
            base = table(view.name, build.number)
            moment = await self._connection.fetchval(*last_moment(view, base, wanted))
            if moment is not None:
                positions = await self._positions(view, base, moment)
                write = Write(build.number, moment)
                return PostgresPast(self._connection, view, write, positions)
            since = since or await self._positions(view, base, None)
        raise NotRemembered(view, since)

    async def changed(
        self, one: Past, other: Past, behind: Touched, most: int
    ) -> Sequence[Touched]:
        (first,), (second,) = one.parts, other.parts
        (build, after), (another, upto) = sorted((first.write, second.write))
        ours, theirs = (table(first.view.name, number) for number in (build, another))
        if ours != theirs:
            rows = await self._connection.fetch(both_statement(ours, theirs), behind.key, most)
            return [Touched(0, row["key"]) for row in rows]
        return await touched(self._connection, ours, (after, upto), behind, most)

    async def _positions(self, view: View, base: str, moment: int | None) -> Mapping[str, int]:
        """Those of one write, or of the first that is remembered."""
        names = ", ".join(positions(view))
        which = "where moment = $1" if moment is not None else "order by moment limit 1"
        given = [] if moment is None else [moment]
        row = await self._connection.fetchrow(f"select {names} from {base}_moments {which}", *given)
        domains = [source.contract.domain for source in view.sources]
        return dict(zip(domains, row, strict=True)) if row is not None else {}


class PostgresPast:
    """See `bus.views.port.Part`."""

    def __init__(
        self,
        connection: Connection,
        view: View,
        write: Write,
        positions: Mapping[str, int],
    ) -> None:
        self.positions = positions
        self.write = write
        self._connection = connection
        self.view = view
        self.parts = (self,)
        self._base = table(view.name, write.build)
        self._moment = write.number

    async def parked(self) -> Collection[tuple[str, str]]:
        at = {f"{self.view.name}/{domain}": n for domain, n in self.positions.items()}
        rows = await self._connection.fetch(
            f"select reader, key, min(position) from {self._base}_parked group by reader, key"
        )
        return {(reader, key) for reader, key, position in rows if position <= at[reader]}

    async def slots(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        names = ["key", *slots(self.view)]
        both = " union all ".join(self._stood(names, also="and key = any($2)"))
        rows = await self._connection.fetch(both, self._moment, keys)
        domains = [source.contract.domain for source in self.view.sources]
        return {
            row[0]: {d: slot for d, slot in zip(domains, row[1:], strict=True) if slot is not None}
            for row in map(tuple, rows)
        }

    async def rows(self, changed: Sequence[RowChange]) -> PostgresRows:
        """Questions are put to all that stood then as if it were one table."""
        view = self.view
        names = ["key", "row", *columns(view)]
        parts = self._stood(names, also="and key <> all($2::text[])" if changed else "")
        given: list[Any] = [self._moment]
        if changed:
            kinds = ["text[]", "json[]", *(CAST[kind] for kind in view.columns.values())]
            casts = ", ".join(f"${number}::{cast}" for number, cast in enumerate(kinds, start=2))
            parts.append(f"select {_typed(view)} from unnest({casts}) as c ({', '.join(names)})")
            given += [[row.key for row in changed], [row.row for row in changed]]
            given += map(list, zip(*(row.columns for row in changed), strict=True))
        source = f"({' union all '.join(parts)}) as {self._base}"
        return PostgresRows(self._connection, view.name, source, view.columns, values=given)

    def _stood(self, names: Sequence[str], *, also: str) -> list[str]:
        """What has not been replaced since the moment `$1`, and what has."""
        selected = ", ".join(names)
        return [
            f"select {selected} from {self._base} where moment_since <= $1 {also}",
            f"select {selected} from {self._base}_history "
            f"where moment_since <= $1 and moment_until > $1 {also}",
        ]


def _typed(view: View) -> str:
    """Rows that are given sort as those that are kept do."""
    texts = [f'"{name}"' for name, kind in view.columns.items() if kind is str]
    sorted_as = [f'{name} collate "C"' if name in texts else name for name in columns(view)]
    return ", ".join(['key collate "C"', "row", *sorted_as])


def last_moment(view: View, base: str, wanted: Mapping[str, int]) -> tuple[Any, ...]:
    """The statement that finds the last write which is beyond `wanted` in no stream, and what it
    takes. Positions never fall, so it is the first of the last ones by each stream."""
    domains = [source.contract.domain for source in view.sources]
    by_each = ", ".join(
        f"(select moment from {base}_moments where {at} <= ${number} "
        f"order by {at} desc, moment desc limit 1)"
        for number, at in enumerate(positions(view), start=1)
    )
    # `least` leaves out nulls: where a stream has none, there is none.
    statement = f"""
        select case when array_position(each, null) is null then (select min(n) from unnest(each) n)
        end from (select array[{by_each}] as each) as found
    """
    return (statement, *(wanted[domain] for domain in domains))
