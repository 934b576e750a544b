"""A Python process of ours that is kept running."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from bus.embedded import tied
from bus.variables import CHECKOUT
from scripts.supervisor.logfile import LogFile
from scripts.supervisor.part import GRACE, Changed, Part


class Process(Part):
    """`python -m module arguments…`, its output in a log file."""

    def __init__(
        self,
        name: str,
        kind: str,
        changed: Changed,
        *,
        module: str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str],
        log: LogFile,
        service: str = "",
        port: int | None = None,
    ) -> None:
        super().__init__(name, kind, changed)
        self.service = service
        """Its name on $SRV.PING, where it answers there."""
        self.port = port
        """Where it listens, if it does."""
        self._command = [sys.executable, "-P", "-m", module, *arguments]
        self._environment = environment
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process else None

    async def stop(self, grace: float = GRACE) -> None:
        self._stopping.set()
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *tied(self._command, signal.SIGTERM),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            cwd=CHECKOUT,
            env=self._environment,
        )
        if self._stopping.is_set():
            self.kill()

    async def _ended(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(64 * 1024):
            self.log.write(chunk)
        await self._process.wait()
