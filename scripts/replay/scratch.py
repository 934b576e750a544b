"""A place for a fresh view's rows beside those that serve: a database of its own on the views'
Postgres, or a numbered database of the views' Redis that nobody uses."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bus.embedded.postgres import create_database
from bus.settings import Settings, database_variable, with_database
from bus.view import View
from scripts.commands.exits import REFUSED, UNAVAILABLE, USAGE, Exit

MARK = "trueup:scratch"
"""A key that says that a numbered database of Redis is a scratch one, and of which view."""
NUMBERS = range(15, 0, -1)
"""Never 0: that is where views serve from."""

_postgres = re.compile(r"trueup_scratch_[a-z0-9_]{1,40}")
_redis = re.compile(r"redis-([1-9][0-9]?)")


async def create(view: View, settings: Settings) -> str:
    """Its name. Raises Exit where none can be had."""
    with _reaching():
        if view.backend == "redis":
            return await _take_number(view, settings)
        name = f"trueup_scratch_{view.name}_{secrets.token_hex(3)}"
        await create_database(settings.database_url("views"), name)
        return name


async def drop(name: str, settings: Settings) -> None:
    """Raises Exit where it is not there, or no scratch database."""
    with _reaching():
        if match := _redis.fullmatch(name):
            await _empty_number(name, match[1], settings)
        elif _postgres.fullmatch(name):
            await _drop_database(name, settings)
        else:
            raise _no_scratch(name)


def told(name: str, settings: Settings) -> Settings:
    """The settings of a process whose views live there. Raises Exit."""
    if match := _redis.fullmatch(name):
        changed = {"REDIS_URL": with_database(settings.redis_url, match[1])}
    elif _postgres.fullmatch(name):
        url = with_database(settings.database_url("views"), name)
        changed = {database_variable("views"): url}
    else:
        raise _no_scratch(name)
    return Settings({**settings.environment, **changed})


async def must_be_there(name: str, view: View, settings: Settings) -> None:
    """Raises Exit where it is not, or of another view."""
    with _reaching():
        if match := _redis.fullmatch(name):
            async with _numbered(match[1], settings) as redis:
                found = await redis.get(MARK) == view.name
        else:
            own = name.rpartition("_")[0] == f"trueup_scratch_{view.name}"
            found = own and await _exists(name, settings)
    if not found:
        raise Exit(REFUSED, f"there is no scratch database {name} of the view {view.name}.")


async def _take_number(view: View, settings: Settings) -> str:
    for number in NUMBERS:
        async with _numbered(str(number), settings) as redis:
            if await redis.dbsize() == 0 and await redis.set(MARK, view.name, nx=True):
                return f"redis-{number}"
    raise Exit(UNAVAILABLE, "Redis has no free numbered database: trueup replay --drop frees one.")


async def _empty_number(name: str, number: str, settings: Settings) -> None:
    async with _numbered(number, settings) as redis:
        if not await redis.exists(MARK):
            raise Exit(REFUSED, f"{name} is no scratch database: nothing was dropped.")
        await redis.flushdb()


@asynccontextmanager
async def _numbered(number: str, settings: Settings) -> AsyncIterator[Any]:
    url = with_database(settings.redis_url, number)
    async with Redis.from_url(url, decode_responses=True) as redis:
        yield redis


async def _exists(name: str, settings: Settings) -> bool:
    connection = await asyncpg.connect(settings.database_url("views"))
    try:
        found = await connection.fetchval("select 1 from pg_database where datname = $1", name)
        return found is not None
    finally:
        await connection.close()


async def _drop_database(name: str, settings: Settings) -> None:
    if not await _exists(name, settings):
        raise Exit(REFUSED, f"there is no scratch database {name}.")
    connection = await asyncpg.connect(settings.database_url("views"))
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()


def _no_scratch(name: str) -> Exit:
    return Exit(USAGE, f"a scratch database is named as trueup replay says it, not {name!r}.")


class _reaching:  # noqa: N801 - reads as a statement
    """An outage in one line, without the URL: it has a password."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case asyncpg.InsufficientPrivilegeError():
                rule = "the views' role may not create databases: grant it CREATEDB"
                raise Exit(UNAVAILABLE, f"{rule}.") from None
            case asyncpg.PostgresError() | RedisError() | OSError() | asyncpg.InterfaceError():
                raise Exit(UNAVAILABLE, f"the views' store can't be used: {error}.") from None
