"""The contract suite runs on both brokers; what only one of them can do is hidden here."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bus.broker import frames
from bus.broker.memory import MemoryBroker
from bus.broker.memory_server import MemoryServer
from bus.broker.nats import NatsBroker
from bus.broker.port import Broker
from bus.broker.streams import StreamSettings
from bus.embedded import NatsCluster, NatsServer
from tests.contract.broker.waiting import until

_numbers = itertools.count(1)


class Net(ABC):
    """A server and the connections that a test makes to it. `domain` is the test's own."""

    def __init__(self) -> None:
        self.domain = f"orders{next(_numbers)}"
        self.brokers: list[Any] = []

    async def broker(self) -> Broker:
        """One more connection."""
        broker: Broker = self._make()
        await broker.open()
        self.brokers.append(broker)
        return broker

    async def close(self) -> None:
        for broker in self.brokers:
            await broker.close()

    @abstractmethod
    def _make(self) -> Any: ...

    @abstractmethod
    async def delete_message(self, sequence: int) -> None: ...

    @abstractmethod
    async def trim(self, first: int) -> None: ...

    @abstractmethod
    async def stranger_sends(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None, reply: str = ""
    ) -> None:
        """Somebody's message, with any reply subject."""

    @abstractmethod
    async def break_connection(self, broker: Broker) -> None:
        """Returns when it is there again."""


class MemoryNet(Net):
    def __init__(self) -> None:
        super().__init__()
        self.server = MemoryServer()

    def _make(self) -> MemoryBroker:
        return MemoryBroker(self.server)

    async def delete_message(self, sequence: int) -> None:
        self.server.delete_message(self.domain, sequence)

    async def trim(self, first: int) -> None:
        self.server.trim(self.domain, first)

    async def stranger_sends(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None, reply: str = ""
    ) -> None:
        self.server.send(subject, body, headers, reply)

    async def break_connection(self, broker: Broker) -> None:
        assert isinstance(broker, MemoryBroker)
        broker.disconnect()
        await asyncio.sleep(0)
        broker.reconnect()


class NatsNet(Net):
    def __init__(self, server: NatsServer, *, replicas: int = 1) -> None:
        super().__init__()
        self.server = server
        self.streams = StreamSettings(replicas=replicas)

    def _make(self) -> NatsBroker:
        return NatsBroker(self.server.url, streams=self.streams)

    async def api(self, verb: str, body: bytes = b"") -> bytes:
        return (await self.brokers[0].request(f"$JS.API.{verb}", body)).body  # type: ignore[no-any-return]

    async def delete_message(self, sequence: int) -> None:
        answer = await self.api(
            f"STREAM.MSG.DELETE.{self.domain.upper()}", b'{"seq":%d}' % sequence
        )
        assert b'"success":true' in answer

    async def trim(self, first: int) -> None:
        answer = await self.api(f"STREAM.PURGE.{self.domain.upper()}", b'{"seq":%d}' % first)
        assert b'"success":true' in answer

    async def stranger_sends(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None, reply: str = ""
    ) -> None:
        wire = self.brokers[-1]._connection.wire
        wire.send(frames.frame(subject, body, frames.encode_headers(headers), reply))

    async def break_connection(self, broker: Broker) -> None:
        assert isinstance(broker, NatsBroker)
        before = broker.reconnects
        transport: Any = broker._connection.wire._transport
        transport._io_writer.transport.abort()
        await until(lambda: broker.reconnects > before)


class CrashingNet(NatsNet):
    """A server of the test's own, to be killed."""

    async def crash_under(self, broker: Broker) -> None:
        """kill -9 and a new start. Returns when the broker is connected again."""
        before = broker.reconnects
        self.server.kill()
        await self.server.start()
        await until(lambda: broker.reconnects > before)

    async def keep_a_copy(self) -> None:
        await self.server.stop()
        shutil.copytree(self.server.folder / "jetstream", self.server.folder / "copy")
        await self.server.start()

    async def go_back_to_the_copy(self) -> None:
        """What a machine does that dies before its disk has seen the last messages."""
        self.server.kill()
        shutil.rmtree(self.server.folder / "jetstream")
        shutil.move(self.server.folder / "copy", self.server.folder / "jetstream")
        await self.server.start()


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def nats_net(nats_server: NatsServer) -> AsyncIterator[NatsNet]:
    net = NatsNet(nats_server)
    yield net
    await net.close()


@pytest.fixture(scope="session")
def nats_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    cluster = NatsCluster(tmp_path_factory.mktemp("cluster"))
    asyncio.run(cluster.start())
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture
async def cluster_net(nats_cluster: NatsCluster) -> AsyncIterator[NatsNet]:
    # Who subscribes at one server is known to the others a moment later, which nothing tells:
    # so all connect to the same one, while streams and their leaders are anywhere.
    net = NatsNet(nats_cluster.servers[0], replicas=len(nats_cluster.servers))
    yield net
    await net.close()


@pytest.fixture
async def memory_net() -> AsyncIterator[MemoryNet]:
    net = MemoryNet()
    yield net
    await net.close()


@pytest.fixture
async def crashing(tmp_path: Path) -> AsyncIterator[CrashingNet]:
    server = NatsServer(tmp_path / "nats")
    await server.start()
    net = CrashingNet(server)
    yield net
    await net.close()
    await server.stop()


@pytest.fixture(params=["memory", "nats", "cluster"])
def net(request: pytest.FixtureRequest) -> Net:
    found: Net = request.getfixturevalue(f"{request.param}_net")
    return found
