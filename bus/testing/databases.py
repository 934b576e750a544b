"""Databases for tests, each as empty as a new one.

To make one and remove it again is some 300 files; to empty one takes a fraction of that. So
those that are given back are emptied and used again, under another name: whoever still has
the old one, say a process that a test has forgotten, can't come back.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bus.embedded import PostgresServer

_numbers = itertools.count(1)

_END_SESSIONS = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1"
_SCHEMAS = """
select quote_ident(nspname) from pg_namespace
where nspname !~ '^pg_' and nspname <> 'information_schema'"""
_PUBLIC = """
create schema public authorization pg_database_owner;
grant usage on schema public to public;
comment on schema public is 'standard public schema'"""
_NOT_IN_SCHEMAS = (
    *("pg_am", "pg_cast", "pg_default_acl", "pg_event_trigger", "pg_extension"),
    *("pg_foreign_data_wrapper", "pg_foreign_server", "pg_language", "pg_largeobject_metadata"),
    *("pg_namespace", "pg_publication", "pg_transform", "pg_user_mapping"),
    *("pg_class", "pg_proc", "pg_type"),  # of those, what somebody puts among the system's own
)
_OURS = " + ".join(
    # What comes with Postgres has lower numbers.
    f"(select count(*) from {table} where oid >= 16384)"
    for table in _NOT_IN_SCHEMAS
)
_REMAINS = f"""
select {_OURS} - 1 -- `public` itself
+ (select count(*) from pg_db_role_setting where setdatabase = oid)
+ (datacl is not null or datconnlimit <> -1)::int
from pg_database where datname = current_database()"""


class Databases:
    """Hands out databases on `server`, and takes them back."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._used: list[str] = []

    async def take(self) -> str:
        """The URL of an empty one."""
        while self._used:
            name = f"test_{next(_numbers)}"
            if await self._renewed(self._used.pop(), name):
                return self._url(name)
        return await self._server.database(f"test_{next(_numbers)}")

    def give_back(self, url: str) -> None:
        """Whatever is in it, and whoever is still connected."""
        self._used.append(urlsplit(url).path[1:])

    async def _renewed(self, old: str, new: str) -> bool:
        """Whether `old` is now `new`, and empty. If not it is left alone from then on: it has
        what is seldom made, and not worth knowing how to remove."""
        async with connected(self._server.url) as connection:
            await connection.execute(_END_SESSIONS, old)
            try:
                await connection.execute(f"alter database {old} rename to {new}")
            except asyncpg.ObjectInUseError:  # somebody has come back between the two
                return False
        async with connected(self._url(new)) as connection:
            return await _emptied(connection)

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server.url)._replace(path=f"/{name}"))


async def _emptied(connection: asyncpg.Connection) -> bool:
    """Whether nothing has remained."""
    schemas = ", ".join([row[0] for row in await connection.fetch(_SCHEMAS)])
    if schemas:
        await connection.execute(f"drop schema {schemas} cascade")
    await connection.execute(_PUBLIC)
    return not await connection.fetchval(_REMAINS)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection, for a moment."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
