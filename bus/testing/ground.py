"""What a mesh stands on in a test: memory, or real servers that the project starts itself."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from redis.asyncio import Redis

from bus.broker.memory import MemoryBroker
from bus.broker.memory_server import MemoryServer
from bus.broker.nats import NatsBroker
from bus.broker.port import Broker
from bus.broker.streams import StreamSettings
from bus.clock import Clock, ManualClock
from bus.embedded import NatsCluster, NatsServer, PostgresServer, ValkeyServer
from bus.embedded.cluster import SIZE
from bus.store.memory import MemoryDisk, MemoryStore
from bus.store.port import Store
from bus.store.postgres import PostgresStore
from bus.testing.clock import JumpingClock
from bus.testing.databases import Databases
from bus.view import View
from bus.views.build import Aim
from bus.views.memory import MemoryViews, MemoryViewStore
from bus.views.partitions import parts
from bus.views.port import ViewStore
from bus.views.postgres import PostgresViewStore
from bus.views.redis import RedisViewStore

BREATH = 0.002
"""Real seconds between two looks at a real mesh: its servers have no condition to await."""
BREATHS = 50
MOMENT = timedelta(milliseconds=50)
"""In memory, that much time passes after so many breaths."""


class AdvancingClock(Clock, Protocol):
    def advance(self, by: timedelta) -> None: ...


class Ground(Protocol):
    """Hands out new connections to the same servers, each time it is asked."""

    @property
    def clock(self) -> AdvancingClock: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def broker(self) -> Broker: ...

    async def store(self, domain: str) -> Store: ...

    async def view_store(self, view: View, aim: Aim = Aim.SERVE) -> ViewStore: ...

    async def breathe(self) -> None:
        """Lets everybody else go on for a moment."""


async def view_stores(ground: Ground, view: View) -> Sequence[ViewStore]:
    """One for each of the view's partitions."""
    return [await ground.view_store(part) for part in parts(view)]


class MemoryGround:
    """Doubles that pass the same contract suites as the real parts. `server` and `disks`
    are there for tests that break something."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.server = MemoryServer()
        self.disks: dict[str, MemoryDisk] = defaultdict(MemoryDisk)
        self.views = MemoryViews()
        self._breaths = 0

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def broker(self) -> Broker:
        return MemoryBroker(shared=self.server)

    async def store(self, domain: str) -> Store:
        return MemoryStore(shared=self.disks[domain])

    async def view_store(self, view: View, aim: Aim = Aim.SERVE) -> ViewStore:
        return MemoryViewStore(view, self.views, aim=aim)

    async def breathe(self) -> None:
        """Every so often a little time passes too, for those who wait before they try again."""
        self._breaths += 1
        if self._breaths % BREATHS == 0:
            self.clock.advance(MOMENT)
        await asyncio.sleep(0)


class Servers:
    """A Postgres and a Valkey for a whole test session, in a folder that `stop` removes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trueup-"))
        self.postgres = PostgresServer(self.folder / "postgres")
        self.databases = Databases(self.postgres)
        self.valkey = ValkeyServer(self.folder / "valkey")
        self.numbers = itertools.count(1)

    async def start(self) -> None:
        await asyncio.gather(self.postgres.start(), self.valkey.start())

    async def stop(self) -> None:
        # Nothing is kept, so nothing has to be written out first.
        await asyncio.gather(*map(asyncio.to_thread, (self.postgres.kill, self.valkey.kill)))
        await asyncio.to_thread(shutil.rmtree, self.folder)


class ServedGround(ABC):
    """Databases of its own on the session's Postgres, and the session's Valkey, emptied.
    `nats` is there for tests that break something."""

    nats: NatsServer | NatsCluster

    def __init__(self, servers: Servers) -> None:
        self.clock = JumpingClock()
        self._servers = servers
        self._number = next(servers.numbers)
        self._folder = servers.folder / f"nats-{self._number}"
        self._databases: dict[str, str] = {}
        self._taking = asyncio.Lock()

    async def open(self) -> None:
        await self.nats.start()
        async with Redis.from_url(self._servers.valkey.url) as valkey:
            await valkey.flushall()

    async def close(self) -> None:
        await self.nats.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        while self._databases:
            self._servers.databases.give_back(self._databases.popitem()[1])

    @abstractmethod
    def broker(self) -> Broker: ...

    async def store(self, domain: str) -> Store:
        return PostgresStore(await self._database(domain))

    async def view_store(self, view: View, aim: Aim = Aim.SERVE) -> ViewStore:
        if view.backend == "redis":
            return RedisViewStore(view, self._servers.valkey.url, aim=aim)
        return PostgresViewStore(view, await self._database("views"), aim=aim)

    async def breathe(self) -> None:
        await asyncio.sleep(BREATH)

    async def _database(self, name: str) -> str:
        async with self._taking:
            if name not in self._databases:
                self._databases[name] = await self._servers.databases.take()
            return self._databases[name]


class RealGround(ServedGround):
    """Real servers; the nats-server is its own."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)
        self.nats: NatsServer = NatsServer(self._folder)

    def broker(self) -> Broker:
        return NatsBroker(self.nats.url)


class ClusterGround(ServedGround):
    """As RealGround, on three nats-servers of its own that all hold every stream."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)
        self.nats: NatsCluster = NatsCluster(self._folder)

    def broker(self) -> Broker:
        return NatsBroker(self.nats.url, streams=StreamSettings(replicas=SIZE))


def memory() -> MemoryGround:
    return MemoryGround()


def real(servers: Servers) -> RealGround:
    return RealGround(servers)


def cluster(servers: Servers) -> ClusterGround:
    return ClusterGround(servers)
