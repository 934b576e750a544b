"""What commands are measured on: one Postgres, one nats-server, one process of a domain."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import psutil

from bus import status
from bus.broker.nats import NatsBroker
from bus.broker.port import BrokerUnavailable, NoResponders
from bus.embedded import NatsServer, PostgresServer, tied
from bus.variables import CHECKOUT

DOMAIN = "inventory"
READY = 90.0
"""Seconds a process may take until it answers: the machine may be busy with other work."""
LOOK = 0.02
"""Seconds between two questions whether it does."""


class BenchPostgres(PostgresServer):
    """With room for as many connections as there are clients, and a disk that may be slow:
    `preloaded` is a shared library for its processes. fsync stays on."""

    preloaded: Path | None = None

    def _command(self) -> Sequence[str]:
        return [*super()._command(), "-c", "max_connections=400"]

    def _popen(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        if self.preloaded is not None:
            command = ["/usr/bin/env", f"LD_PRELOAD={self.preloaded}", *command]
        return super()._popen(command, output)


class Ground:
    """The servers and processes of a run, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = BenchPostgres(folder / "postgres")
        self.nats = NatsServer(folder / "nats")
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self) -> None:
        await self.postgres.start()
        await self.nats.start()
        for name in (DOMAIN, "plain", "library", "functions"):
            await self.postgres.database(name)

    async def stop(self) -> None:
        for name in list(self._children):
            self.end(name)
        await self.nats.stop()
        await self.postgres.stop()

    async def restart_postgres(self, preloaded: Path) -> None:
        """On the same data, with a shared library in its processes."""
        await self.postgres.stop()
        self.postgres.preloaded = preloaded
        await self.postgres.start()

    def database(self, name: str) -> str:
        return self.postgres.url.removesuffix("/postgres") + f"/{name}"

    async def start_service(self, name: str = "service") -> None:
        """Returns when one of them answers and leads."""
        self.start_process(name, f"domains.{DOMAIN}.app")
        await until(self.nats.url, _leads)

    def start_process(self, name: str, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        """`python -m module`, its log in the folder; what it prints can be read."""
        environment = {
            **own(),
            "NATS_URL": self.nats.url,
            f"TRUEUP_{DOMAIN.upper()}_DATABASE_URL": self.database(DOMAIN),
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(
                tied([sys.executable, "-P", "-m", module, *arguments]),
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._children[name] = started
        return started

    def end(self, name: str) -> None:
        process = self._children.pop(name)
        process.terminate()
        process.communicate()

    def processes(self) -> Mapping[str, psutil.Process]:
        """The roots of what takes CPU, by part."""
        found = {"postgres": self.postgres.pid, "nats": self.nats.pid}
        found |= {name: child.pid for name, child in self._children.items()}
        return {name: psutil.Process(pid) for name, pid in found.items() if pid is not None}


def own() -> dict[str, str]:
    """The environment of a process of ours, with nothing of who has started it."""
    return {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(CHECKOUT)}


async def until(url: str, condition: Callable[[NatsBroker], Awaitable[bool]]) -> None:
    """Raises TimeoutError where it does not come true in time."""
    broker = NatsBroker(url)
    await broker.open()
    try:
        async with asyncio.timeout(READY):
            while not await condition(broker):  # noqa: ASYNC110, it tells nobody
                await asyncio.sleep(LOOK)
    finally:
        await broker.close()


async def published(broker: NatsBroker) -> int | None:
    """How far the service's relay is; None while it does not lead."""
    with suppress(NoResponders, BrokerUnavailable):
        said = await broker.request(status.subject(DOMAIN), timeout=1)
        return msgspec.json.decode(said.body, type=status.Status).published
    return None


async def _leads(broker: NatsBroker) -> bool:
    return await published(broker) is not None


@asynccontextmanager
async def running() -> AsyncIterator[Ground]:
    """In a temporary folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="trueup-bench-"))
    ground = Ground(folder)
    try:
        await ground.start()
        yield ground
    finally:
        await ground.stop()
        shutil.rmtree(folder, ignore_errors=True)
