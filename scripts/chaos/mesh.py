"""A mesh of its own in a folder of its own, as `scripts/up` starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bus.embedded import found
from bus.embedded.port import free_port
from bus.variables import CHECKOUT
from scripts.chaos.until import LOOK, until
from scripts.supervisor.home import Home, ProcessState, Run

KEPT = ("PATH", "HOME", "LANG")
"""What the mesh gets to know of this process's environment."""


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Broken(Exception):
    """The mesh, or something played through it, is not as it must be."""


class Mesh:
    """Its home is `folder`; NATS listens on a free port. It is told `environment`, too."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.home = Home(folder)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        ways = {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}
        self.environment = {**kept, **ways, "TRUEUP_HOME": str(folder), **environment}

    async def up(self, scale: Mapping[str, int]) -> None:
        """Returns when everything answers. Raises Broken. From then on SIGTERM cancels whoever
        has begun the mesh, so that it goes down before this process ends."""
        begun_by = asyncio.current_task()
        assert begun_by is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, begun_by.cancel)
        words = [f"--scale={domain}={count}" for domain, count in scale.items()]
        said = await self.trueup("up", "--detach", f"--nats-port={free_port()}", *words)
        if said.code:
            raise Broken(f"the mesh does not start: {said.err.strip()}")

    async def down(self) -> None:
        await self.trueup("down")

    @property
    def run(self) -> Run:
        run = self.home.run()
        if run is None or not run.alive:
            raise Broken("the supervisor has gone")
        return run

    @property
    def urls(self) -> Mapping[str, str]:
        return self.run.urls

    def names(self, *kinds: str) -> list[str]:
        """The processes of these kinds: server, provider, domain, view."""
        return [process.name for process in self.run.processes if process.kind in kinds]

    def process(self, name: str) -> ProcessState:
        return next(process for process in self.run.processes if process.name == name)

    async def kill(self, name: str) -> None:
        """SIGKILL, once it runs; returns when it has gone. It is started again."""
        pid, started = await self.running(name)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

        async def gone() -> bool:
            return found(pid, started) is None

        await until(gone)

    async def running(self, name: str, but: int | None = None) -> tuple[int, float]:
        """The pid of a process, which is not `but`, and when it started; waits for it."""
        while True:
            process = self.process(name)
            if process.pid not in (None, but):
                return process.pid, process.started
            await asyncio.sleep(LOOK)

    async def begin(self, *words: str, output: int) -> asyncio.subprocess.Process:
        """`trueup` with these words; what it says goes to the file `output`."""
        return await asyncio.create_subprocess_exec(
            *self._command(words),
            cwd=CHECKOUT,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    async def trueup(self, *words: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            *self._command(words),
            cwd=CHECKOUT,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Said(await process.wait(), out.decode(), err.decode())

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-P", "-m", "scripts.cli", *words]
