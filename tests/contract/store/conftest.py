"""Every test of the contract runs against each store."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest

from bus.store.memory import MemoryDisk, MemoryStore
from bus.store.port import Store
from bus.store.postgres import PostgresStore
from tests.contract.store.building import Another

if TYPE_CHECKING:
    from bus.testing.ground import Servers

_schemas = itertools.count(1)


@pytest.fixture(scope="session")
def stores_database(servers: Servers) -> str:
    return asyncio.run(servers.postgres.database("stores"))


@pytest.fixture(params=["memory", "postgres"])
def handle(request: pytest.FixtureRequest) -> Callable[[], Store]:
    """Makes handles on one and the same empty store."""
    if request.param == "memory":
        disk = MemoryDisk()
        return lambda: MemoryStore(shared=disk)
    url, schema = request.getfixturevalue("stores_database"), f"store_{next(_schemas)}"
    return lambda: PostgresStore(url, pool=4, schema=schema)


@pytest.fixture
async def another(handle: Callable[[], Store]) -> AsyncIterator[Another]:
    opened: list[Store] = []

    async def open_another() -> Store:
        opened.append(handle())
        await opened[-1].open()
        return opened[-1]

    yield open_another
    for store in opened:
        await store.close()


@pytest.fixture
async def store(another: Another) -> Store:
    return await another()
