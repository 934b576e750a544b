"""How a view's rows were, in Postgres: what each write has superseded.

…_moments    the writes that are remembered: number, time, a position a source, and the keys
…_history    rows as they stood from the write `moment_since` on, until the write `moment_until`

Writes are numbered in the build's head; `since` there is the first that is remembered, null where
none is. A row that has not been replaced since is in the table of rows itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from bus.view import View
from bus.views.past import Touched
from bus.views.postgres_connections import Connection
from bus.views.postgres_names import columns, positions, slots, stored

TABLES = ("moments", "history")
SWEEP = 5000
"""Rows forgotten in one statement: a write waits for nobody who forgets."""
WRITES = 16
"""Writes that are gone through at first to find what they have touched."""


async def create(connection: Connection, view: View, base: str) -> None:
    rest = "".join(f", {column}" for column in stored(view))
    at = "".join(f", {position} bigint not null" for position in positions(view))
    await connection.execute(f"""
        create table {base}_moments (
            moment bigint primary key, time timestamptz not null default clock_timestamp(){at},
            keys text[]
        );
        alter table {base}_moments alter keys set storage external;
        create table {base}_history (
            key text collate "C" not null, row json{rest},
            moment_since bigint not null, moment_until bigint not null
        ) with (toast_tuple_target = 8160);
        create index on {base}_history (key, moment_until);
        create index on {base}_history using brin (moment_until)
            with (pages_per_range = 16, autosummarize = on);
    """)
    for position in positions(view):
        await connection.execute(f"create index on {base}_moments ({position}, moment)")


def written(view: View, base: str) -> str:
    """The parts of a write that keep what it supersedes; `$3` and `$4` are the domains and
    positions that it moves to, `$14` its keys."""
    names = ", ".join(["key", "row", *slots(view), *columns(view), "moment_since"])
    return f"""
        superseded as (
            insert into {base}_history ({names}, moment_until)
            select {", ".join(f"b.{name}" for name in names.split(", "))}, moved.moment
            from moved join {base} b on b.key = any($14::text[]) where moved.since is not null
        ), noted as (
            insert into {base}_moments (moment, {", ".join(positions(view))}, keys)
            select moved.moment, {", ".join(_moved(view, base))}, $14 from moved
            where moved.since is not null
        )
    """


async def remember(connection: Connection, view: View, base: str) -> None:
    """As of now the rows can be asked again; where that is so already, nothing changes."""
    await connection.execute(f"""
        with begun as (
            update {base}_head set since = moment where since is null returning moment
        )
        insert into {base}_moments (moment, {", ".join(positions(view))})
        select moment, {", ".join(_standing(view, base))} from begun
    """)


async def forget(connection: Connection, base: str) -> None:
    """All of it, and nothing is remembered any more."""
    async with connection.transaction():
        forgets = f"update {base}_head set since = null where since is not null returning true"
        if await connection.fetchval(forgets):
            await connection.execute(f"truncate {base}_moments, {base}_history")


async def trim(connection: Connection, base: str, before: object) -> None:
    """The last write before that time stays: it is how the rows were then."""
    last = await connection.fetchval(
        f"select moment from {base}_moments where time < $1 order by moment desc limit 1", before
    )
    if last is None:
        return
    await connection.execute(f"delete from {base}_moments where moment < $1", last)
    swept = f"""
        with old as (
            delete from {base}_history where ctid = any(array(
                select ctid from {base}_history where moment_until <= $1 limit {SWEEP}
            )) returning true
        )
        select count(*) from old
    """
    while await connection.fetchval(swept, last) == SWEEP:
        pass


async def touched(
    connection: Connection, base: str, between: tuple[int, int], behind: Touched, most: int
) -> Sequence[Touched]:
    """The keys that the writes between two have written, each with the first that did: what that
    one superseded, if anything, had stood at the first of the two. They are gone through a few at a
    time, so that a page does not cost as much as all of them; each key is looked up, which `offset
    0` sees to, as a planner that knows little of the tables would go through all of the history."""
    after, upto = between
    statement = f"""
        select moment, key from (
            select moment, unnest(keys) collate "C" as key from {base}_moments
            where moment >= $2 and moment <= $3
        ) as written
        where (moment, key) > ($4, $5) and not exists (
            select from {base}_history as h
            where h.key = written.key and h.moment_until = written.moment and h.moment_since > $1
            offset 0
        )
        order by moment, key limit $6
    """
    found: list[Touched] = []
    start, many = max(behind.number, after + 1), WRITES
    while start <= upto and len(found) < most:
        end = min(start + many - 1, upto)
        given = (after, start, end, *behind, most - len(found))
        found += [Touched(*row) for row in await connection.fetch(statement, *given)]
        start, many = end + 1, many * 4
    return found


def both_statement(*bases: str) -> str:
    """All keys behind $1 of several builds, $2 of them at most."""
    parts = (f"(select key from {base} where key > $1 order by key limit $2)" for base in bases)
    return f"{' union '.join(parts)} order by key limit $2"


def _standing(view: View, base: str) -> list[str]:
    return [
        f"(select position from {base}_checkpoints where domain = '{source.contract.domain}')"
        for source in view.sources
    ]


def _moved(view: View, base: str) -> list[str]:
    given = "select p.position from unnest($3::text[], $4::bigint[]) as p (domain, position)"
    return [
        f"coalesce(({given} where p.domain = '{source.contract.domain}'), {standing})"
        for source, standing in zip(view.sources, _standing(view, base), strict=True)
    ]
