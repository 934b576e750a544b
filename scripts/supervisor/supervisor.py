"""Starts a mesh in the right order, watches over it, and stops it in the right order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import nats.errors
from nats.aio.client import Client

from bus.embedded import identity
from bus.settings import Settings
from scripts.supervisor import discovery, health, ports
from scripts.supervisor.crew import Crew
from scripts.supervisor.home import Home, Run, end_remains
from scripts.supervisor.own import without_ours
from scripts.supervisor.part import GRACE, Part
from scripts.supervisor.process import Process
from scripts.supervisor.server import ServerPart
from scripts.supervisor.servers import VIEWS, Servers
from scripts.supervisor.starting import all_answer
from scripts.supervisor.watch import Watch


@dataclass(frozen=True)
class Options:
    """`scale` is how many processes of a domain run, or of a view, as `view-<name>`: 1 unless
    named."""

    nats_port: int | None = None
    demo: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)


class Supervisor:
    """`say` is told of progress, one line each."""

    def __init__(
        self,
        home: Home,
        environment: Mapping[str, str],
        options: Options,
        say: Callable[[str], None],
    ) -> None:
        self.home = home
        self.domains = discovery.domains()
        self.views = discovery.views()
        self._options = options
        self._own = Settings.from_environment(without_ours(environment, home))
        self._environment = environment
        self._say = say
        self._state = "starting"
        self._lock: IO[bytes] | None = None
        self._parts: list[Part] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._client: Client | None = None
        owners = [*self.domains, VIEWS]
        self.servers = Servers(home, self._own, owners, options.nats_port)

    @property
    def run(self) -> Run:
        parts = [part.noted for part in self._parts]
        servers = self.servers
        where = str(self.home.path)
        return Run(self._state, identity(os.getpid()), where, servers.urls, parts, servers.notes)

    async def start(self) -> None:
        """Returns when everything answers. Raises AlreadyRunning or Trouble; then `stop`."""
        self.home.make()
        before = self.home.run()
        self._lock = self.home.lock()
        if before is not None:
            await asyncio.to_thread(end_remains, before.processes)
        self._note()
        ports.named(self._own)
        self._say("Starting the servers …")
        await self.servers.start()
        self._begin(*(ServerPart(server, self._changed) for server in self.servers.embedded))
        crew = Crew(self.home, self._environment, self._own, self.servers, self._changed)
        self._say(f"Starting {', '.join(self.domains)} and the views …")
        self._begin(*crew.processes(self.domains, self.views, self._options.scale))
        self._client = await health.connected(self.servers.urls["NATS_URL"])
        late = await all_answer(self._parts, self._client, self.home.logs)
        if late:
            self.servers.notes.append(f"Still being built: {', '.join(late)}.")
        if self._options.demo:
            self._begin(crew.demo())
        self._state = "ready"
        self._note()

    async def watch(self) -> None:
        """Looks after what runs until cancelled."""
        assert self._client is not None
        await Watch(self._parts, self._client, self._say).run()

    async def stop(self, grace: float = GRACE) -> None:
        """What we wrote first, then the servers beneath it."""
        if self._lock is None:
            return  # the home is another supervisor's
        self._state = "stopping"
        self._note()
        for kind in (Process, ServerPart):
            await asyncio.gather(*(p.stop(grace) for p in self._parts if isinstance(p, kind)))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.servers.stop()
        if self._client is not None:
            with suppress(OSError, nats.errors.Error):
                await self._client.close()
        self.home.forget(os.getpid())
        self._lock.close()

    def _begin(self, *parts: Part) -> None:
        self._parts.extend(parts)
        self._tasks.extend(asyncio.create_task(part.run(), name=part.name) for part in parts)

    def _changed(self, part: Part) -> None:
        if part.state == "waiting" and self._state == "ready":
            self._say(f"{part.name} has ended; it is started again. See trueup status.")
        self._note()

    def _note(self) -> None:
        """A full disk must not bring down what runs."""
        with suppress(OSError):
            self.home.note(self.run)
