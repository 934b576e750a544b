"""Creates a store's tables, or brings older ones to the layout that this version knows."""

from __future__ import annotations

from importlib.resources import files

import asyncpg

FORMAT = 3
"""The number of the tables' layout. schema.sql makes format 1, and schema_<n>.sql brings
format n - 1 to n: a new store and one that was migrated are made by the same statements."""

_LOCK = 7_263_318_500_301
"""Processes that start at once create the tables one after the other."""


class WrongFormat(Exception):
    """The database holds a store that this version can't work with, or can't hold one."""


async def create(connection: asyncpg.Connection, name: str, schema: str | None) -> None:
    """Makes the tables of a store where there are none. Raises WrongFormat."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await _check_encoding(connection, name)
        if schema and await connection.fetchval("select to_regnamespace($1) is null", schema):
            await connection.execute(f'create schema "{schema}"')
        if await connection.fetchval("select to_regclass('head') is null"):
            await _run(connection, "schema.sql")
        for step in range(await _format(connection, name) + 1, FORMAT + 1):
            await _run(connection, f"schema_{step}.sql")
        await _check_format(connection, name)


async def _run(connection: asyncpg.Connection, script: str) -> None:
    await connection.execute(files("bus.store").joinpath(script).read_text("utf-8"))


async def _check_encoding(connection: asyncpg.Connection, name: str) -> None:
    encoding = await connection.fetchval("show server_encoding")
    if encoding != "UTF8":
        raise WrongFormat(
            f"The database {name} is encoded in {encoding}, a store needs UTF8: "
            "create it with: create database … encoding 'UTF8' template template0"
        )


async def _format(connection: asyncpg.Connection, name: str) -> int:
    try:
        found: int = await connection.fetchval("select format from head")
    except asyncpg.UndefinedColumnError as error:
        raise WrongFormat(
            f"The database {name} has a table named head that is not Trueup's: "
            "give each domain a database of its own"
        ) from error
    return found


async def _check_format(connection: asyncpg.Connection, name: str) -> None:
    found = await _format(connection, name)
    if found != FORMAT:
        raise WrongFormat(
            f"The store in the database {name} has format {found}, this version of Trueup "
            f"works with {FORMAT}: run the version that wrote it, or migrate the database"
        )
