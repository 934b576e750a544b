"""Something that is kept running, and started again with back-off when it ends."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from bus.embedded import EmbeddedError, identity
from scripts.supervisor.home import ProcessState

FIRST_DELAY, LONGEST_DELAY = 0.2, 30.0
"""Seconds before something that has died is started again; doubles each time."""
STEADY = 30.0
"""Seconds after which it counts as running well, and the delay begins anew."""
GRACE = 10.0
"""Seconds to end in order before SIGKILL."""


Changed = Callable[["Part"], None]


class Part(ABC):
    """Runs something again and again until it is stopped. `changed` hears of every change."""

    def __init__(self, name: str, kind: str, changed: Changed) -> None:
        self.name = name
        self.kind = kind
        self.state = "waiting"
        self.since = time.time()
        self.restarts = 0
        self.failures = 0
        """Ends in a row, each soon after its start."""
        self._changed = changed
        self._stopping = asyncio.Event()

    @property
    @abstractmethod
    def pid(self) -> int | None: ...

    @property
    def noted(self) -> ProcessState:
        pid = self.pid
        started = identity(pid)[1] if pid is not None else 0.0
        return ProcessState(
            self.name, self.kind, pid, started, self.state, self.since, self.restarts
        )

    async def run(self) -> None:
        """Returns after `stop`."""
        while not self._stopping.is_set():
            with suppress(EmbeddedError, OSError):
                await self._start()
                self._set("running")
                await self._ended()
            if self._stopping.is_set():
                break
            steady = time.time() - self.since > STEADY
            self.failures = 1 if steady else self.failures + 1
            self.restarts += 1
            self._set("waiting")
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (self.failures - 1))
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
        self._set("stopped")

    @abstractmethod
    async def stop(self, grace: float = GRACE) -> None:
        """Ends it in order, after `grace` seconds by force. `run` returns then."""

    @abstractmethod
    def kill(self) -> None:
        """Ends it at once; it is started again."""

    @abstractmethod
    async def _start(self) -> None: ...

    @abstractmethod
    async def _ended(self) -> None: ...

    def _set(self, state: str) -> None:
        self.state = state
        self.since = time.time()
        self._changed(self)
