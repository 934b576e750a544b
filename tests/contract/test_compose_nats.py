"""The cluster of compose.yaml: its own configuration, with this machine's ports and folders."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import yaml

from bus.broker.nats import NatsBroker
from bus.broker.port import BrokerUnavailable
from bus.broker.streams import StreamSettings
from bus.embedded import NatsCluster, NatsServer
from bus.embedded.port import HOST, free_port
from bus.embedded.server import READY
from bus.variables import CHECKOUT
from tests.contract.broker.waiting import begin

NAMES = ("nats-1", "nats-2", "nats-3")


class Composed(NatsServer):
    def __init__(self, folder: Path, routes: dict[str, int], name: str) -> None:
        super().__init__(folder)
        self._routes = routes
        self._name = name
        self.page = free_port()

    @property
    def server_name(self) -> str:
        return self._name

    async def _prepare(self) -> None:
        compose = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
        text = compose["configs"]["nats"]["content"].replace("$$SERVER_NAME", self._name)
        text = text.replace("127.0.0.1:8222", f"{HOST}:{self.page}")
        text = text.replace("/data", str(self.folder / "data"))
        text = text.replace("0.0.0.0:6222", f"{HOST}:{self._routes[self._name]}")
        text = re.sub(r"(nats-\d):6222", lambda name: f"{HOST}:{self._routes[name[1]]}", text)
        (self.folder / "nats.conf").write_text(f"listen: {HOST}:{self.port}\n{text}")

    def healthy(self) -> bool:
        """As the container's health check asks."""
        try:
            with urlopen(f"http://{HOST}:{self.page}/healthz") as answer:
                return bool(answer.status == 200)
        except HTTPError:
            return False


@pytest.fixture
def servers(tmp_path: Path) -> list[Composed]:
    routes = {name: free_port() for name in NAMES}
    return [Composed(tmp_path / name, routes, name) for name in NAMES]


@pytest.fixture
async def composed(tmp_path: Path, servers: list[Composed]) -> AsyncIterator[NatsCluster]:
    cluster = NatsCluster(tmp_path)
    cluster.servers = list(servers)
    await cluster.start()
    yield cluster
    await cluster.stop()


async def test_its_servers_become_healthy_and_any_one_may_be_lost(
    composed: NatsCluster, servers: list[Composed]
) -> None:
    for server in servers:
        await eventually(lambda: asyncio.to_thread(server.healthy))  # noqa: B023  awaited here
    broker = NatsBroker(composed.url, streams=StreamSettings(replicas=len(NAMES)))
    await broker.open()
    await begin(broker, "orders", 10)
    servers[0].kill()
    await eventually(lambda: holds(broker, 10))
    await broker.close()


async def holds(broker: NatsBroker, messages: int) -> bool:
    try:
        return (await broker.stream_state("orders")).last == messages
    except BrokerUnavailable:  # connecting again, or electing
        return False


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(READY):
        while not await condition():  # noqa: ASYNC110  any condition, not one that tells
            await asyncio.sleep(0.05)
