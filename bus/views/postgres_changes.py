"""What has changed in views in Postgres, write by write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bus.view import View
from bus.views import builds, postgres_builds
from bus.views.changes import Mark, Standing, Version
from bus.views.postgres_connections import Connection
from bus.views.postgres_names import table
from bus.views.postgres_past import last_moment


class PostgresChanges:
    """See `bus.views.changes.Changes`. `connection` is in a transaction with one snapshot."""

    def __init__(self, connection: Connection, view: View, serving: int) -> None:
        self.serving = serving
        self._connection = connection
        self._view = view

    async def standing(self, build: int) -> Standing | None:
        base = self._base(build)
        if not await self._value("select to_regclass($1) is not null", f"{base}_head"):
            return None
        moment = await self._value(f"select moment from {base}_head")
        return Standing(moment, await self._standing(base)) if moment is not None else None

    async def between(
        self, build: int, after: int, upto: int, keys: Collection[str] | None
    ) -> Sequence[Version]:
        base = self._base(build)
        given: list[Any] = [after, upto]
        remembers = await self._remembers(base, after)
        if keys is not None:
            touched = "select unnest($3::text[]) as key"
            given.append(list(keys))
        elif remembers:
            touched = _touched(base)
        else:
            touched = f"select key from {base} where moment_since > $1"
        statement = _changed(base, touched, remembers=remembers)
        found = await self._connection.fetch(statement, *given)
        return [Version(*row) for row in map(tuple, found)]

    async def rows(self, build: int, moment: int, keys: Sequence[str]) -> Mapping[str, str]:
        base = self._base(build)
        statement = f"""
            select key, row::text from {base} where key = any($2) and row is not null
                and (moment_since <= $1 or (select since is null from {base}_head))
            union all
            select key, row::text from {base}_history where key = any($2) and row is not null
                and moment_since <= $1 and moment_until > $1
        """
        found = await self._connection.fetch(statement, moment, list(keys))
        return dict(map(tuple, found))

    async def keys(self, build: int, behind: str, most: int) -> Sequence[str]:
        statement = f"select key from {self._base(build)} where key > $1 order by key limit $2"
        return [row["key"] for row in await self._connection.fetch(statement, behind, most)]

    async def positions(self, build: int, moment: int) -> Mapping[str, int]:
        base = self._base(build)
        now = await self._standing(base)
        names = ", ".join(f'"at_{domain}"' for domain in now)
        row = await self._connection.fetchrow(
            f"select {names} from {base}_moments where moment >= $1 order by moment limit 1", moment
        )
        return dict(zip(now, row, strict=True)) if row is not None else now

    async def last(self, wanted: Mapping[str, int]) -> int:
        base = self._base(self.serving)
        every = {source.contract.domain: 2**63 - 1 for source in self._view.sources}
        found = await self._value(*last_moment(self._view, base, every | dict(wanted)))
        return int(found if found is not None else await self._first(base))

    async def ago(self, seconds: float) -> Mark:
        time = await self._value("select clock_timestamp() - make_interval(secs => $1)", seconds)
        there = await postgres_builds.listed(self._connection, self._view.name)
        asked = builds.asked_at(there, time)
        build = asked.number if asked else self.serving
        base = self._base(build)
        found = await self._value(
            f"select moment from {base}_moments where time < $1 order by moment desc limit 1", time
        )
        return Mark(build, int(found if found is not None else await self._first(base)))

    async def _first(self, base: str) -> int:
        first = await self._value(f"select min(moment) from {base}_moments")
        return int(first if first is not None else await self._value(_HEAD.format(base)))

    async def _remembers(self, base: str, after: int) -> bool:
        """Whether all that the writes behind `after` have done is remembered."""
        first = await self._value(f"select min(moment) from {base}_moments")
        return first is not None and first <= after

    async def _standing(self, base: str) -> Mapping[str, int]:
        places = f"select domain, position from {base}_checkpoints"
        return dict(map(tuple, await self._connection.fetch(places)))

    async def _value(self, statement: str, *given: Any) -> Any:
        return await self._connection.fetchval(statement, *given)

    def _base(self, build: int) -> str:
        return table(self._view.name, build)


_HEAD = "select moment from {}_head"


async def noted(connection: Connection, view: str) -> Mark | None:
    row = await connection.fetchrow(
        "select build, moment, key from view_told where view = $1", view
    )
    return None if row is None else Mark(*row)


async def note(connection: Connection, view: str, mark: Mark | None) -> None:
    if mark is None:
        await connection.execute("delete from view_told where view = $1", view)
        return
    await connection.execute(
        "insert into view_told (view, build, moment, key) values ($1, $2, $3, $4)"
        " on conflict (view) do update set (build, moment, key) ="
        " (excluded.build, excluded.moment, excluded.key)",
        *(view, *mark),
    )


def _touched(base: str) -> str:
    """The keys that the writes behind `$1`, up to `$2`, have written."""
    return f"select unnest(keys) as key from {base}_moments where moment > $1 and moment <= $2"


def _changed(base: str, touched: str, *, remembers: bool) -> str:
    """All versions of the keys, from the one that stood at `$1` on; those that are not as the one
    before, or where nobody knows that one."""
    unknown = "" if remembers else "or first"
    # Each key is looked up (`offset 0` sees to that): a planner that knows little of the tables
    # would rather go through all that is remembered.
    return f"""
        with touched as materialized (select distinct key from ({touched}) as written), stood as (
            select t.key, b.* from touched as t cross join lateral (
                select row::text as row, moment_since from {base} where key = t.key offset 0) as b
            union all
            select t.key, h.* from touched as t cross join lateral (
                select row::text, moment_since from {base}_history
                where key = t.key and moment_until > $1 offset 0) as h
        ), compared as (
            select *, lag(row) over versions as before, row_number() over versions = 1 as first
            from stood window versions as (partition by key order by moment_since)
        )
        select key, row, moment_since from compared
        where moment_since > $1 and moment_since <= $2 and (row is distinct from before {unknown})
        order by moment_since, key collate "C"
    """
