"""Servers, processes and their CPU seconds, for measuring views."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import asyncpg
import psutil

from bus.embedded import NatsServer, PostgresServer, ValkeyServer, tied

LOOK = 0.01
"""Seconds between looks at how far a view is: what a measurement may be off by."""
PATIENCE = 300.0

Progress = Callable[[], Awaitable[int]]
"""The position up to which a view's committed rows are."""


class Timed(NamedTuple):
    """`events` in `seconds`, and the CPU seconds that each process took for them."""

    events: int
    seconds: float
    cpu: Mapping[str, float]

    @property
    def per_second(self) -> float:
        return self.events / self.seconds


class _Look(NamedTuple):
    position: int
    time: float
    cpu: Mapping[str, float]


@dataclass(frozen=True)
class Servers:
    nats: NatsServer
    postgres: PostgresServer
    valkey: ValkeyServer

    @property
    def pids(self) -> Mapping[str, int]:
        servers = (self.nats, self.postgres, self.valkey)
        return {server.name: server.pid for server in servers if server.pid is not None}

    async def settle(self) -> None:
        """Writes out what is left of earlier rounds, so that none pays for another."""
        connection = await asyncpg.connect(self.postgres.url)
        try:
            await connection.execute("checkpoint")
        finally:
            await connection.close()


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """A nats-server, a Postgres with fsync and a Valkey, in a folder that goes with them."""
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as name:
        folder = Path(name)
        found = Servers(
            NatsServer(folder / "nats"),
            PostgresServer(folder / "postgres"),
            ValkeyServer(folder / "valkey"),
        )
        all_of_them = (found.nats, found.postgres, found.valkey)
        try:
            for server in all_of_them:
                await server.start()
            yield found
        finally:
            for server in all_of_them:
                await server.stop()


@contextmanager
def process(module: str, *words: str, environment: Mapping[str, str]) -> Iterator[int]:
    """The pid of `python -m module words…`, which is ended with the block."""
    command = tied([sys.executable, "-m", module, *words])
    child = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait()


async def timed(pids: Mapping[str, int], progress: Progress, last: int) -> Timed:
    """From the first commit that is seen to the one that reaches `last`: starting up does not
    count, unless all came at once."""
    first = await _look(pids, progress)
    async with asyncio.timeout(PATIENCE):
        while (now := await _look(pids, progress)).position == 0:
            first = now
            await asyncio.sleep(LOOK)
        if now.position < last:
            first = now
        while now.position < last:
            await asyncio.sleep(LOOK)
            now = await _look(pids, progress)
    spent = {name: now.cpu[name] - first.cpu[name] for name in pids}
    return Timed(last - first.position, now.time - first.time, spent)


async def _look(pids: Mapping[str, int], progress: Progress) -> _Look:
    return _Look(await progress(), perf_counter(), cpu(pids))


def cpu(pids: Mapping[str, int]) -> Mapping[str, float]:
    """CPU seconds so far, with those of the children, by name."""
    return {name: _cpu([psutil.Process(pid)]) for name, pid in pids.items()}


def _cpu(processes: Sequence[psutil.Process]) -> float:
    seconds = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
            seconds += _cpu(one.children())
        except psutil.NoSuchProcess:
            continue  # it has gone, and its time is its parent's now
    return seconds
