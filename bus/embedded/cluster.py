"""Three nats-servers that hold the same streams: any one of them may be lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from bus.embedded.nats import Member, NatsServer
from bus.embedded.port import HOST, free_port
from bus.embedded.server import READY
from bus.embedded.trouble import EmbeddedError, NotReady

SIZE = 3
_ANSWER = 2.0
"""Seconds a server may take to say what it knows of JetStream; without a leader it is silent."""


class NatsCluster:
    """A cluster on loopback, each server in a folder of its own beneath `folder`."""

    def __init__(self, folder: Path) -> None:
        routes = [free_port() for _ in range(SIZE)]
        self.servers = [
            NatsServer(folder / f"nats-{number}", member=Member(route, routes))
            for number, route in enumerate(routes, 1)
        ]

    @property
    def url(self) -> str:
        """All servers, separated by commas."""
        return ",".join(server.url for server in self.servers)

    async def start(self) -> None:
        """Returns when JetStream has a leader that all running servers know.

        Starts those that don't run. Raises EmbeddedError with what to do.
        """
        await asyncio.gather(*(server.start() for server in self.servers))
        try:
            async with asyncio.timeout(READY):
                await asyncio.gather(*(_led(server) for server in self.servers))
        except TimeoutError:
            raise EmbeddedError(f"the servers at {self.url} elect no JetStream leader") from None

    async def stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self.servers))


async def _led(server: NatsServer) -> None:
    while True:
        try:
            async with asyncio.timeout(_ANSWER):
                await _ask(server)
            return
        except (NotReady, OSError, EOFError, TimeoutError):
            await asyncio.sleep(0.05)  # nothing tells when an election has ended


async def _ask(server: NatsServer) -> None:
    """Raises NotReady, OSError or EOFError while JetStream has no leader."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    try:
        await reader.readline()
        writer.write(b'CONNECT {"verbose":false}\r\nSUB answer 1\r\n')
        writer.write(b"PUB $JS.API.INFO answer 0\r\n\r\n")
        header = await reader.readline()
        if not header.startswith(b"MSG "):
            raise NotReady
        answer = json.loads(await reader.readexactly(int(header.split()[-1])))
        if "error" in answer:
            raise NotReady
    finally:
        writer.close()
