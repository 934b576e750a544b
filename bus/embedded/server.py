"""What the embedded servers have in common: a process that lives in a folder."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bus.embedded import owner
from bus.embedded.port import free_port, port_taken
from bus.embedded.tie import tied
from bus.embedded.trouble import EmbeddedError, NotReady, PortTaken, explain

READY = 60.0
"""Seconds a server may take to answer: recovery after a crash reads its logs first."""
STOP = 30.0
"""Seconds a server may take to stop before it is killed."""
LOG_LIMIT = 10_000_000


class Server(ABC):
    """One server process. `folder` holds its data, its log and a note of whose it is."""

    name: str
    stop_signal = signal.SIGTERM
    user = "-"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = Path(folder).absolute()
        self.port = free_port() if port is None else port
        self.log = self.folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect."""

    @property
    def pid(self) -> int | None:
        """Of the running process; None when there is none."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Returns when the server answers. Raises EmbeddedError with what to do."""
        if self.running:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(self._take_over)
            await self._prepare()
            self._spawn()
        except OSError as error:
            raise EmbeddedError(f"{self.name} can't start in {self.folder}: {error}") from error
        try:
            await self._await_ready()
        except BaseException:
            self.kill()
            raise

    async def ended(self) -> None:
        """Returns when the process has gone, whoever ended it."""
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    async def stop(self) -> None:
        """Stops in order, so that nothing must be recovered at the next start."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(self.stop_signal)
        try:
            await asyncio.to_thread(self._process.wait, STOP)
        except subprocess.TimeoutExpired:
            self.kill()
        owner.forget(self.folder)
        self._process = None

    def kill(self) -> None:
        """SIGKILL, as when the machine takes the process away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @abstractmethod
    async def _prepare(self) -> None:
        """Writes what the server needs before it starts."""

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    async def _ping(self) -> None:
        """Raises NotReady, OSError or EOFError until this very server answers."""

    def _take_over(self) -> None:
        other = owner.living(self.folder)
        if other is not None:
            raise EmbeddedError(f"{self.folder} is in use by process {other}: stop that first")
        owner.end_orphan(self.folder, self.stop_signal, STOP)
        if port_taken(self.port):
            raise PortTaken(self.port, self.name)

    def _spawn(self) -> None:
        keep = self.log.exists() and self.log.stat().st_size < LOG_LIMIT
        with self.log.open("ab" if keep else "wb") as log:
            self._started_at = log.tell()
            self._process = self._popen(self._command(), log.fileno())
        owner.note(self.folder, self._process.pid)

    def _popen(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            tied(command, self.stop_signal, self.user),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in a terminal reaches the starter alone
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
        )

    async def _await_ready(self) -> None:
        deadline = time.monotonic() + READY
        while True:
            try:
                async with asyncio.timeout(5):
                    await self._ping()
                return
            except (NotReady, OSError, EOFError, TimeoutError):
                if not self.running:
                    raise self._explained() from None
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"{self.name} does not answer after {READY:.0f} s: see {self.log}"
                    ) from None
                await asyncio.sleep(0.02)  # nothing else tells when a port is open

    def _explained(self) -> EmbeddedError:
        """Why the server ended, from what it wrote."""
        text = self.log.read_bytes()[self._started_at :].decode(errors="replace")
        if "address already in use" in text.lower():
            return PortTaken(self.port, self.name)
        return EmbeddedError(explain(self.name, text, self.folder))
