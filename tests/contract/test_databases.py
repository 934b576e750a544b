"""A database that was used before is as empty as a new one."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from bus.store.port import Append, Store
from bus.testing.databases import Databases, connected
from bus.testing.ground import RealGround, Servers
from tests.contract.store.building import placed

_numbers = itertools.count(1)

MESS = """
create schema shop;
create table shop.orders (id bigserial primary key, state text not null);
create table lines (id int generated always as identity primary key, note text);
insert into lines (note) values ('a'), ('b');
create index on lines (note);
create sequence tickets start 7;
create type mood as enum ('sad', 'glad');
create domain amount as int check (value >= 0);
create view noted as select note from lines;
create function touched() returns trigger language plpgsql as 'begin return new; end';
create trigger touching before insert on lines for each row execute function touched();
create function watched() returns event_trigger language plpgsql as 'begin end';
create event trigger watching on ddl_command_start execute function watched();
create extension vector;
create role clerk;
grant create on schema public to clerk;
alter table lines owner to clerk;
comment on schema public is 'a mess';
"""
LEFT = (
    "select lo_create(0)",
    "create publication everything",
    "create foreign data wrapper elsewhere",
    "create cast (text as int) with inout",
    "alter default privileges grant select on tables to public",
    "do $$ begin execute format('alter database %I set work_mem = 64', current_database()); end $$",
    "do $$ begin execute format('revoke connect on database %I from public', current_database());"
    " end $$",
)
"""What is in no schema, so that it would outlive them all."""


async def test_whatever_was_in_it_and_whoever_was_connected(servers: Servers) -> None:
    databases = Databases(servers.postgres)
    old = await databases.take()
    forgotten = await asyncpg.connect(old)
    await forgotten.execute(MESS)
    await forgotten.execute("select pg_advisory_lock(1)")
    before = await _count(servers)
    databases.give_back(old)
    taken = await databases.take()
    assert await _count(servers) == before, "it is the same one"
    assert await _inventory(taken) == await _inventory(await _new(servers))
    async with connected(taken) as connection:
        assert await connection.fetchval("select pg_try_advisory_lock(1)")
        await connection.execute("create table lines (id serial, note text)")
        assert await connection.fetchval("insert into lines values (default) returning id") == 1
        # Refused as long as anything in it is clerk's.
        await connection.execute("drop role clerk")
    assert forgotten.is_closed()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(old)


@pytest.mark.parametrize("left", LEFT)
async def test_one_that_can_not_be_emptied_is_not_used_again(servers: Servers, left: str) -> None:
    databases = Databases(servers.postgres)
    old = await databases.take()
    async with connected(old) as connection:
        await connection.execute(left)
    before = await _count(servers)
    databases.give_back(old)
    taken = await databases.take()
    assert await _count(servers) == before + 1
    assert await _inventory(taken) == await _inventory(await _new(servers))


async def test_a_ground_has_one_for_each_name_and_the_next_ground_finds_nothing_in_it(
    servers: Servers,
) -> None:
    for _ in range(2):
        async with _opened(RealGround(servers)) as ground:
            for name in ("ordering", "payments"):
                assert await _position(await ground.store(name)) == 0
            assert await _position(await ground.store("ordering"), placed(count=2)) == 2
            assert await _position(await ground.store("ordering")) == 2
            assert await _position(await ground.store("payments")) == 0


@asynccontextmanager
async def _opened(ground: RealGround) -> AsyncIterator[RealGround]:
    await ground.open()
    yield ground
    await ground.close()


async def _position(store: Store, first: Append | None = None) -> int:
    """Of the last event, when `first` has been written."""
    await store.open()
    if first is not None:
        await store.append(first)
    head = await store.head()
    await store.close()
    return head.position


async def _new(servers: Servers) -> str:
    return await servers.postgres.database(f"new_{next(_numbers)}")


async def _count(servers: Servers) -> int:
    async with connected(servers.postgres.url) as connection:
        return int(await connection.fetchval("select count(*) from pg_database"))


async def _inventory(url: str) -> dict[str, Any]:
    """How much of each kind a database holds, what is set for it, and who may do what in it."""
    async with connected(url) as connection:
        found = {
            table: await connection.fetchval(f"select count(*) from {table}")
            for (table,) in await connection.fetch(
                "select relname from pg_class where relnamespace = 'pg_catalog'::regnamespace"
                " and relkind = 'r' and not relisshared"
                # The planner's guesses; and what pg_dump takes for granted of `public`.
                " and relname not in ('pg_statistic', 'pg_init_privs')"
            )
        }
        found["public"] = await connection.fetch(
            "select nspname, nspowner::regrole::text, nspacl::text, obj_description(oid)"
            " from pg_namespace where nspname = 'public'"
        )
        found["database"] = await connection.fetch(
            "select datdba, datacl::text, datconnlimit, datcollate, s.setconfig"
            " from pg_database d left join pg_db_role_setting s on s.setdatabase = d.oid"
            " where datname = current_database()"
        )
        return found
