"""Looks after what runs but does not work: processes that hang, a store that has vanished."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import nats.errors
from nats.aio.client import Client

from scripts.supervisor import health
from scripts.supervisor.part import Part
from scripts.supervisor.process import Process
from scripts.supervisor.server import ServerPart

EVERY = 5.0
"""Seconds between looks."""
SILENT = 12
"""Looks in a row without an answer after which a process counts as hung and is killed."""


class Watch:
    """`say` is told of what was found and done. What is killed here is started again."""

    def __init__(self, parts: Sequence[Part], client: Client, say: Callable[[str], None]) -> None:
        self._parts = parts
        self._client = client
        self._say = say
        self._misses: Counter[str] = Counter()
        self._heard: dict[str, int | None] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self._end_crippled()
            with suppress(OSError, nats.errors.Error):
                there = await health.answering(self._client, services(self._parts))
                self._end_hung(there)

    def _end_crippled(self) -> None:
        for part in self._parts:
            if isinstance(part, ServerPart) and part.crippled:
                self._say(f"The data folder of {part.name} has gone: starting it again.")
                part.kill()

    def _end_hung(self, there: Counter[str]) -> None:
        for part in self._parts:
            if not isinstance(part, Process) or not part.service:
                continue
            if there[part.service]:
                self._heard[part.name] = part.pid
            # One that has not answered yet may have a long way to go: a view that is built.
            known = part.pid is not None and self._heard.get(part.name) == part.pid
            silent = known and there[part.service] == 0
            self._misses[part.name] = self._misses[part.name] + 1 if silent else 0
            if self._misses[part.name] >= SILENT:
                self._say(f"{part.name} has not answered for a minute: starting it again.")
                self._misses[part.name] = 0
                part.kill()


def services(parts: Sequence[Part]) -> Counter[str]:
    """How many processes of each service should answer."""
    return Counter(p.service for p in parts if isinstance(p, Process) and p.service)
