"""The tables of one version of a view, and the statements that work on them.

views                       which versions of which views are here
view_<name>_v<version>      the rows: key, row (what people see), a slot a source, columns
…_checkpoints  …_head  …_parked
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from bus.clock import uuid7
from bus.view import View
from bus.views.kept import shape
from bus.views.port import ViewChanged

_LOCK = 7_263_318_500_302
"""Processes that start at once create the tables one after the other."""

CATALOGUE = """
create table if not exists views (
    name text, version int, shape text not null, built boolean not null,
    primary key (name, version)
)
"""
STORED = {str: 'text collate "C"', int: "bigint"}
CAST = {str: "text[]", int: "bigint[]"}


def table(name: str, version: int) -> str:
    return f"view_{name}_v{version}"


def tables(view: str, version: int) -> Sequence[str]:
    base = table(view, version)
    return [base, f"{base}_checkpoints", f"{base}_head", f"{base}_parked"]


async def create(connection: asyncpg.Connection, view: View) -> None:
    """Makes what is missing. Raises ViewChanged where the tables are another view's."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(CATALOGUE)
        found = await connection.fetch(
            "select version, shape from views where name = $1", view.name
        )
        shapes = {row["version"]: row["shape"] for row in found}
        if view.version not in shapes:
            await _create(connection, view, built=not shapes)
        elif shapes[view.version] != shape(view):
            raise ViewChanged.of(view)


async def _create(connection: asyncpg.Connection, view: View, *, built: bool) -> None:
    base = table(view.name, view.version)
    slots = [f'"slot_{source.contract.domain}" json' for source in view.sources]
    columns = [f'"{name}" {STORED[kind]}' for name, kind in view.columns.items()]
    rest = "".join(f", {column}" for column in [*slots, *columns])
    # A row is written anew with each event of its key: to compress it every time would take a
    # tenth of the server's time, so one that fits into a page stays as it is.
    await connection.execute(f"""
        create table {base} (key text collate "C" primary key, row json{rest})
            with (fillfactor = 80, toast_tuple_target = 8160);
        create table {base}_checkpoints (
            domain text primary key, position bigint not null, event_id text not null
        );
        create table {base}_head (stamp text not null);
        create table {base}_parked (
            reader text, key text, position bigint, body bytea not null, reason text not null,
            attempts int not null default 1, since timestamptz not null default now(),
            primary key (reader, key, position)
        );
    """)
    for name, kind in view.columns.items():
        # Sums change with every event: an index would cost more than it gives.
        if kind is str and name not in view.unindexed:
            await connection.execute(f'create index on {base} ("{name}", key)')
    await connection.execute(f"insert into {base}_head values ($1)", uuid7())
    await connection.execute(
        f"insert into {base}_checkpoints select unnest($1::text[]), 0, ''",
        [source.contract.domain for source in view.sources],
    )
    insert = "insert into views values ($1, $2, $3, $4)"
    await connection.execute(insert, view.name, view.version, shape(view), built)


async def settle(
    connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy, view: View
) -> None:
    """Drops the other versions of the view."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(
            "update views set built = true where name = $1 and version = $2",
            view.name,
            view.version,
        )
        gone = await connection.fetch(
            "delete from views where name = $1 and version <> $2 returning version",
            view.name,
            view.version,
        )
        names = [name for row in gone for name in tables(view.name, row["version"])]
        if names:
            await connection.execute(f"drop table if exists {', '.join(names)}")


def state_statement(view: View) -> str:
    base = table(view.name, view.version)
    return f"""
        select stamp,
            (select built from views where name = $1 and version = $2) as built,
            array(select (domain, position, event_id) from {base}_checkpoints) as checkpoints,
            array(select distinct (reader, key) from {base}_parked) as parked
        from {base}_head
    """


def load_statement(view: View) -> str:
    slots = ", ".join(f'"slot_{source.contract.domain}"' for source in view.sources)
    return f"select key, {slots} from {table(view.name, view.version)} where key = any($1)"


def write_statement(view: View) -> str:
    """One round trip: rows, checkpoints and what is parked, if the stamp is still the one
    that the writer has read. Gives whether it was."""
    base = table(view.name, view.version)
    columns, values, updates = _written(view)
    return f"""
        with moved as (
            update {base}_head set stamp = $2 where stamp = $1 returning true
        ), placed as (
            update {base}_checkpoints as c set position = p.position, event_id = p.event_id
            from unnest($3::text[], $4::bigint[], $5::text[]) as p (domain, position, event_id)
            where c.domain = p.domain and exists (select from moved)
        ), freed as (
            delete from {base}_parked where exists (select from moved) and (reader, key, position)
            in (select * from unnest($6::text[], $7::text[], $8::bigint[]))
        ), parked as (
            insert into {base}_parked (reader, key, position, body, reason)
            select * from unnest($9::text[], $10::text[], $11::bigint[], $12::bytea[], $13::text[])
            where exists (select from moved)
            on conflict (reader, key, position) do update
            set reason = excluded.reason, attempts = {base}_parked.attempts + 1
        ), written as (
            insert into {base} ({columns}) select * from unnest({values})
            where exists (select from moved)
            on conflict (key) do update set {updates}
        )
        select exists (select from moved)
    """


def _written(view: View) -> tuple[str, str, str]:
    """The columns that a write sets, their arguments, and how a row is replaced."""
    slots = [f"slot_{source.contract.domain}" for source in view.sources]
    names = ["key", "row", *slots, *view.columns]
    casts = ["text[]", "json[]", *("json[]" for _ in slots)]
    casts += [CAST[kind] for kind in view.columns.values()]
    values = ", ".join(f"${number}::{cast}" for number, cast in enumerate(casts, start=14))
    columns = ", ".join(f'"{name}"' for name in names)
    base = table(view.name, view.version)
    updates = [f'"{name}" = excluded."{name}"' for name in ("row", *view.columns)]
    updates += [f'"{slot}" = coalesce(excluded."{slot}", {base}."{slot}")' for slot in slots]
    return columns, values, ", ".join(updates)
