"""Sees from outside how far everybody in a mesh is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import nats.errors
from nats.aio.client import Client

from bus import subjects
from bus.status import Status, subject
from scripts.chaos.load import Load
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.until import LOOK, until
from scripts.supervisor import discovery, health

PATIENCE = 180.0
"""Seconds that everybody gets to catch up after a fault."""
WINDOW = 0.5
"""Seconds that a process gets to answer."""

Heads = Mapping[str, int]
Headers = dict[str, str] | None


class Lookout:
    """Asks the services of a mesh; a view is called `view-<name>`, as on `nats micro ls`."""

    def __init__(self, mesh: Mesh, client: Client) -> None:
        self._mesh = mesh
        self._client = client
        self._domains = discovery.domains()
        self._views = [f"view-{name}" for name in discovery.views()]

    async def heads(self) -> Heads | None:
        """The last position of every store; None while any does not answer."""
        found = await asyncio.gather(*(self._head(domain) for domain in self._domains))
        known = {d: head for d, head in zip(self._domains, found, strict=True) if head is not None}
        return known if len(known) == len(self._domains) else None

    async def told(
        self, service: str, enough: Callable[[Status], bool] = lambda _: False
    ) -> Sequence[Status]:
        """What its processes say of themselves; the first of which that is `enough` ends it."""

        def complete(bodies: Sequence[bytes]) -> bool:
            return any(enough(_status(body)) for body in bodies)

        try:
            asked = subject(service)
            bodies = await health.gathered(self._client, asked, WINDOW, complete)
        except (OSError, nats.errors.Error):
            return ()
        return [_status(body) for body in bodies]

    async def caught_up(self) -> None:
        """Returns when all has reached everybody that is recorded now, or soon. Raises Broken."""
        heads: Heads | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                heads = await self._answered()
                await until(lambda: self._all_there(heads))
        except TimeoutError:
            behind = "the stores do not answer" if heads is None else await self._behind(heads)
            raise Broken(f"not caught up within {PATIENCE:.0f} s: {behind}") from None

    async def moving(self, load: Load) -> None:
        """Returns when the first orders have been placed. Raises Broken, as `load` does."""
        while load.playing:
            heads = await self.heads()
            if heads is not None and heads["ordering"]:
                return
            await asyncio.sleep(LOOK)
        await load.finish()

    async def leader(self, domain: str, but: int | None = None) -> int:
        """The pid of the process that leads, which is not `but`; waits until one does."""
        while True:
            for status in await self.told(domain, lambda status: _leads(status, but)):
                if _leads(status, but):
                    return status.pid
            await asyncio.sleep(LOOK)

    async def _answered(self) -> Heads:
        while True:
            heads = await self.heads()
            if heads is not None:
                return heads
            await asyncio.sleep(LOOK)

    async def _all_there(self, heads: Heads) -> bool:
        return not await self._behind(heads)

    async def _behind(self, heads: Heads) -> str:
        names = (*self._domains, *self._views)
        there = await asyncio.gather(*(self._there(name, heads) for name in names))
        down = [process.name for process in self._mesh.run.processes if process.pid is None]
        return ", ".join(down + [n for n, reached in zip(names, there, strict=True) if not reached])

    async def _there(self, service: str, heads: Heads) -> bool:
        def reached(status: Status) -> bool:
            places = dict(status.positions)
            if service in heads:
                places[service] = status.published or 0
                if not status.leading or status.breaker not in (None, "closed"):
                    return False
            return not status.problems and all(places[d] >= heads[d] for d in places)

        return any(reached(status) for status in await self.told(service, reached))

    async def ask(
        self, subject: str, question: bytes, headers: Headers = None, timeout: float = WINDOW
    ) -> bytes:
        """The answer, empty where nobody gives one."""
        try:
            reply = await self._client.request(subject, question, timeout, headers=headers)
        except (OSError, nats.errors.Error):
            return b""
        return bytes(reply.data)

    async def _head(self, domain: str) -> int | None:
        question = msgspec.json.encode({"after": 2**62, "limit": 1})
        answer = await self.ask(subjects.log_read(domain), question)
        try:
            return int(msgspec.json.decode(answer)["head"])
        except (msgspec.MsgspecError, KeyError):
            return None


@asynccontextmanager
async def watching(mesh: Mesh) -> AsyncIterator[Lookout]:
    client = await health.connected(mesh.urls["NATS_URL"])
    try:
        yield Lookout(mesh, client)
    finally:
        await client.close()


def _leads(status: Status, but: int | None) -> bool:
    return bool(status.leading) and status.pid != but


def _status(body: bytes) -> Status:
    return msgspec.json.decode(body, type=Status)
