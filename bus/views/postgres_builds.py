"""Which builds of which views a database holds, and how one takes over from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import asyncpg

from bus.clock import uuid7
from bus.store.port import Checkpoint
from bus.store.session import Fetches
from bus.view import View
from bus.views import builds, postgres_tables
from bus.views.build import Aim, Build, Stage
from bus.views.kept import shape
from bus.views.postgres_connections import Connection
from bus.views.postgres_names import table
from bus.views.postgres_proof import REPAIRS

SERVING = "select number, version from view_builds where view = $1 and stage = 'serving'"

_LOCK = 7_263_318_500_302
"""Whoever begins, drops or replaces builds does so one after the other."""
_INDEX_LOCK = _LOCK + 1
"""Not the same: an index may take a while, and others may begin or replace builds meanwhile."""
INDEXING = 3600.0
"""Seconds that an index may take."""

CATALOGUE = """
create table if not exists view_builds (
    view text, number int, version int not null, shape text not null, stage text not null,
    since timestamptz not null default now(), primary key (view, number)
);
create unique index if not exists view_builds_serving on view_builds (view)
    where stage = 'serving';
create table if not exists view_told (
    view text primary key, build int not null, moment bigint not null, key text not null
);
"""
_LIST = "select number, version, shape, stage, since from view_builds where view = $1"


async def listed(connection: Fetches, view: str) -> Sequence[Build]:
    found = [
        Build(number, version, shape, Stage(stage), since)
        for number, version, shape, stage, since in await connection.fetch(_LIST, view)
    ]
    return sorted(found)


async def bind(connection: asyncpg.Connection, view: View, aim: Aim, bound: int | None) -> Build:
    """The build that a store of `view` works on, begun if need be. Raises as
    `builds.chosen`."""
    async with connection.transaction():
        await _alone(connection)
        await connection.execute(CATALOGUE + REPAIRS)
        await _leave_first_format(connection)
        there = await listed(connection, view.name)
        gone = builds.dropped_first(view, there, aim, bound)
        await _drop(connection, view.name, gone)
        there = [build for build in there if build not in gone]
        found = builds.chosen(view, there, aim, bound)
        if found is None:
            return await _begin(connection, view, there, aim)
        if aim is Aim.BACK and found.stage is Stage.KEPT:
            await _place(connection, view.name, found.number, Stage.MAKING)
            return found._replace(stage=Stage.MAKING)
        return found


async def ready(connection: Connection, view: View, number: int) -> None:
    """See `bus.views.port.ViewStore.ready`. Of several who are at it, one makes each index."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _INDEX_LOCK, timeout=INDEXING)
        for statement in postgres_tables.index_statements(view, number):
            await connection.execute(statement, timeout=INDEXING)


async def take_over(connection: Connection, view: View, number: int) -> bool:
    """See `bus.views.port.ViewStore.take_over`."""
    async with connection.transaction():
        await _alone(connection)
        asked = builds.serving(await listed(connection, view.name))
        if asked is not None and asked.number != number:
            theirs = table(view.name, asked.number)
            await connection.execute(f"select from {theirs}_head for update")
            ours = await _places(connection, table(view.name, number))
            if not builds.reached(ours, await _places(connection, theirs)):
                return False
            # Whoever is about to write to it finds that it has moved on, and looks again.
            await connection.execute(f"update {theirs}_head set stamp = $1", uuid7())
            await _place(connection, view.name, asked.number, Stage.KEPT)
        await _place(connection, view.name, number, Stage.SERVING)
    async with connection.transaction():
        await _alone(connection)
        there = await listed(connection, view.name)
        await _drop(connection, view.name, builds.outlived(there, number))
    return True


async def tidy(connection: Connection, view: str, before: datetime) -> None:
    async with connection.transaction():
        await _alone(connection)
        there = await listed(connection, view)
        await _drop(connection, view, builds.forgotten(there, before, datetime.now(UTC)))


async def lose(connection: Connection, view: View, number: int) -> None:
    """Begins another build in the place of one whose head is not what was written."""
    async with connection.transaction():
        await _alone(connection)
        there = await listed(connection, view.name)
        lost = [b for b in there if b.number == number]
        if lost:
            await _drop(connection, view.name, lost)
            await _made(connection, view, builds.successor(view, there))


async def abandon(connection: Connection, view: View, number: int) -> None:
    async with connection.transaction():
        await _alone(connection)
        there = await listed(connection, view.name)
        await _drop(connection, view.name, [b for b in there if b.number == number])


async def _alone(connection: Connection) -> None:
    await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)


async def _begin(connection: Connection, view: View, there: Sequence[Build], aim: Aim) -> Build:
    number, stage = builds.next_number(there), builds.first_stage(there, aim)
    return await _made(
        connection, view, Build(number, view.version, shape(view), stage, datetime.now(UTC))
    )


async def _made(connection: Connection, view: View, build: Build) -> Build:
    """Its `since` is the database's."""
    number, version, shape, stage, _ = build
    await postgres_tables.create(connection, view, number)
    if stage is Stage.SERVING:
        for statement in postgres_tables.index_statements(view, number):
            await connection.execute(statement)
    since = await connection.fetchval(
        "insert into view_builds (view, number, version, shape, stage) values ($1, $2, $3, $4, $5)"
        " returning since",
        *(view.name, number, version, shape, stage.value),
    )
    return build._replace(since=since)


async def _place(connection: Connection, view: str, number: int, stage: Stage) -> None:
    await connection.execute(
        "update view_builds set stage = $3, since = now() where view = $1 and number = $2",
        *(view, number, stage.value),
    )


async def _places(connection: Connection, base: str) -> Mapping[str, Checkpoint]:
    rows = await connection.fetch(f"select domain, position, event_id from {base}_checkpoints")
    return {domain: Checkpoint(position, id) for domain, position, id in rows}


async def _drop(connection: Connection, view: str, gone: Sequence[Build]) -> None:
    for build in gone:
        await connection.execute(
            "delete from view_builds where view = $1 and number = $2", view, build.number
        )
        names = ", ".join(postgres_tables.tables(view, build.number))
        await connection.execute(f"drop table if exists {names}")


async def _leave_first_format(connection: asyncpg.Connection) -> None:
    """A database from before there were builds: its rows are made anew, from the events."""
    if not await connection.fetchval("select to_regclass('views') is not null"):
        return
    for view, version in await connection.fetch("select name, version from views"):
        base = f"view_{view}_v{version}"
        suffixes = ("", "_checkpoints", "_head", "_parked")
        await connection.execute(f"drop table if exists {', '.join(base + s for s in suffixes)}")
    await connection.execute("drop table views")
