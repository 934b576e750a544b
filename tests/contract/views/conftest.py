"""Every store that views can be kept in, empty for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import pytest
from redis.asyncio import Redis

from bus.testing.ground import Ground, Servers
from bus.view import View
from bus.views.build import Aim
from bus.views.memory import MemoryViews, MemoryViewStore
from bus.views.port import ViewStore
from bus.views.postgres import PostgresViewStore
from bus.views.redis import RedisViewStore
from tests.contract.views.scene import Scene


class Stores(Protocol):
    """Opens one more store of a view, on the same servers."""

    async def __call__(self, view: View, aim: Aim = Aim.SERVE) -> ViewStore: ...


@pytest.fixture(params=["memory", "postgres", "redis"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def view_servers(backend: str, request: pytest.FixtureRequest) -> Servers | None:
    return None if backend == "memory" else request.getfixturevalue("servers")


@pytest.fixture
async def stores(backend: str, view_servers: Servers | None) -> AsyncIterator[Stores]:
    opened: list[ViewStore] = []
    async with maker(backend, view_servers) as make:

        async def open_store(view: View, aim: Aim = Aim.SERVE) -> ViewStore:
            opened.append(make(view, aim))
            await opened[-1].open()
            return opened[-1]

        yield open_store
        for store in opened:
            await store.close()


@asynccontextmanager
async def maker(
    backend: str, servers: Servers | None
) -> AsyncIterator[Callable[[View, Aim], ViewStore]]:
    if servers is None:
        views = MemoryViews()
        yield lambda view, aim: MemoryViewStore(view, views, aim=aim)
    elif backend == "redis":
        await flush(servers)
        yield lambda view, aim: RedisViewStore(view, servers.valkey.url, aim=aim)
    else:
        url = await servers.databases.take()
        yield lambda view, aim: PostgresViewStore(view, url, aim=aim)
        servers.databases.give_back(url)


async def flush(servers: Servers) -> None:
    async with Redis.from_url(servers.valkey.url) as redis:
        await redis.flushall()


@pytest.fixture
def view_ground(backend: str, request: pytest.FixtureRequest) -> Ground:
    name = "memory_ground" if backend == "memory" else "real_ground"
    found: Ground = request.getfixturevalue(name)
    return found


@pytest.fixture
def partitions() -> int:
    """How many the view of a scene is kept in."""
    return 1


@pytest.fixture
async def scene(backend: str, view_ground: Ground, partitions: int) -> AsyncIterator[Scene]:
    found = Scene(view_ground, backend, partitions)
    await found.open()
    yield found
    await found.close()
