"""A till whose store, stream and relay can be started, stopped and damaged one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bus import log
from bus.broker.memory import MemoryBroker
from bus.broker.port import Broker, Serving, StreamMissing
from bus.embedded import NatsServer
from bus.reader import Reader
from bus.relay import Relay
from bus.store.port import Checkpoint, Store
from bus.store.postgres import PostgresStore
from bus.tasks import end
from bus.testing.ground import Ground, MemoryGround, RealGround, Servers
from tests.contract.way.damage import Damage
from tests.unit.kernel.till import DOMAIN

PATIENCE = 20.0
"""Seconds after which a condition that does not come true fails the test."""


class NoCheck:
    """A clock on which the relay's regular look never comes, so that a test sees what else
    makes it look."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Till:
    """`store` and `broker` are the test's own handles."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.contract = DOMAIN.contract
        self._tasks: list[asyncio.Task[None]] = []
        self._opened: list[Store | Broker] = []

    async def open(self) -> None:
        await self.ground.open()
        self.store = await self.another_store()
        self.broker = await self.another_broker()
        self.damage = Damage(await self.another_broker())

    async def close(self) -> None:
        await end(self._tasks)
        for opened in self._opened:
            await opened.close()
        await self.ground.close()

    async def another_store(self, domain: str = "till") -> Store:
        store = await self.ground.store(domain)
        await store.open()
        self._opened.append(store)
        return store

    async def another_broker(self) -> Broker:
        broker = self.ground.broker()
        await broker.open()
        self._opened.append(broker)
        return broker

    def start(self, running: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(running)
        self._tasks.append(task)
        return task

    async def relay(self) -> Relay:
        """One more relay, with connections of its own."""
        store, broker = await self.another_store(), await self.another_broker()
        return Relay(self.contract, store, broker, NoCheck())

    async def lose_connections(self, meanwhile: Awaitable[None]) -> None:
        """All brokers are away while `meanwhile` happens."""
        if isinstance(self.ground, RealGround):
            self.ground.nats.kill()
            await meanwhile
            await self.ground.nats.start()
            return
        brokers = [broker for broker in self._opened if isinstance(broker, MemoryBroker)]
        for broker in brokers:
            broker.disconnect()
        await meanwhile
        for broker in brokers:
            broker.reconnect()

    async def serve_log(self, store: Store | None = None) -> Serving:
        endpoints = log.endpoints(self.contract, store or self.store)
        return await self.broker.serve("till", "A till", "1.0.0", endpoints)

    async def reader(self) -> Reader:
        return Reader(await self.another_broker(), self.contract, batch=10)

    async def at(self, position: int) -> Checkpoint:
        (stored,) = await self.store.read(position - 1, 1)
        return Checkpoint(position, stored.event_id)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await condition():
                await self.ground.breathe()

    async def stream_equals_store(self) -> bool:
        """Whether the stream holds the store's bytes at the store's positions, to its end."""
        try:
            state = await self.broker.stream_state("till")
            if state.last != (await self.store.head()).position:
                return False
            for stored in await self.store.read(state.first - 1, 10_000):
                if await self.broker.stream_get("till", stored.position) != stored.body:
                    return False
        except StreamMissing:
            return False
        return True


class SharedGround(RealGround):
    """Real servers that all tests here share: the stream is emptied, the tables are new."""

    def __init__(self, servers: Servers, nats: NatsServer) -> None:
        super().__init__(servers)
        self.nats = nats

    async def open(self) -> None:
        broker = self.broker()
        await broker.open()
        await broker.delete_stream("till")
        await broker.close()

    async def close(self) -> None:
        """The servers go on, for the next test."""

    async def store(self, domain: str) -> Store:
        url = await self._database("way")
        return PostgresStore(url, pool=4, schema=f"{domain}_{self._number}")

    async def _database(self, name: str) -> str:
        return await self._servers.postgres.database(name)


@pytest.fixture(scope="session")
def shared_nats(servers: Servers) -> Iterator[NatsServer]:
    nats = NatsServer(servers.folder / "way")
    asyncio.run(nats.start())
    yield nats
    asyncio.run(nats.stop())


@pytest.fixture
def real_ground(servers: Servers, shared_nats: NatsServer) -> RealGround:
    return SharedGround(servers, shared_nats)


@pytest.fixture
async def till(ground: Ground) -> AsyncIterator[Till]:
    found = Till(ground)
    await found.open()
    yield found
    await found.close()


@pytest.fixture
async def memory_till(memory_ground: MemoryGround) -> AsyncIterator[Till]:
    """For what is the same on every ground."""
    found = Till(memory_ground)
    await found.open()
    yield found
    await found.close()
