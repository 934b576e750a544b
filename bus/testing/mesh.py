"""A whole mesh in a test: domains, views and whatever they talk to, in one event loop.

    async with Mesh(memory(), [ordering.DOMAIN, inventory.DOMAIN], views=[ORDERS]) as mesh:
        await mesh.send(ReceiveStock(id="tea-1", quantity=3))
        answer = await mesh.send(PlaceOrder(id="o-1", customer_id="c-7", lines=[...]))
        await mesh.rest()
        assert await mesh.story("o-1") == ["ordering OrderPlaced", "inventory StockReserved"]

The processes are the real ones and speak the real bytes. What is beneath them is chosen by
the ground: `memory()` needs no server, `real(...)` runs on nats-server,
Postgres and Valkey.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from bus import subjects
from bus.broker.port import Broker, Reply, StreamMissing
from bus.contract import Contract
from bus.decider import Domain
from bus.envelope import Recorded
from bus.messages import Command, Event
from bus.outside import Outside
from bus.process import DomainProcess
from bus.store.port import Store
from bus.testing.ground import Ground, view_stores
from bus.view import View
from bus.views.worker import ViewWorker

REST = 30.0
"""Seconds of real time after which a mesh that does not come to rest fails the test."""
PAGE = 1000


class NotAtRest(AssertionError):
    """The mesh goes on and on, or waits for what never comes; says for what."""


class Mesh:
    """Start it with `async with`. `outside` answers a domain's calls, by its name;
    `processes` is how many of each domain run."""

    def __init__(
        self,
        ground: Ground,
        domains: Sequence[Domain],
        *,
        views: Sequence[View] = (),
        outside: Mapping[str, Outside] | None = None,
        processes: int = 1,
    ) -> None:
        self.ground = ground
        self.clock = ground.clock
        self.domains = {domain.name: domain for domain in domains}
        self.processes: list[DomainProcess] = []
        self.workers: list[ViewWorker] = []
        self._views = views
        self._outside = outside or {}
        self._count = processes

    async def __aenter__(self) -> Mesh:
        await self.ground.open()
        self.broker: Broker = self.ground.broker()
        await self.broker.open()
        self.stores: dict[str, Store] = {}
        for name, domain in self.domains.items():
            self.stores[name] = await self.ground.store(name)
            await self.stores[name].open()
            for _ in range(self._count):
                await self.start_process(domain)
        for view in self._views:
            await self.start_worker(view)
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self.workers:
            await worker.stop()
        for process in self.processes:
            await process.stop()
        await self.broker.close()
        for store in self.stores.values():
            await store.close()
        await self.ground.close()

    async def start_process(self, domain: Domain) -> DomainProcess:
        """One more process of `domain`, sharing its store."""
        process = DomainProcess(
            domain,
            await self.ground.store(domain.name),
            self.ground.broker(),
            clock=self.clock,
            outside=self._outside.get(domain.name),
        )
        await process.start()
        self.processes.append(process)
        return process

    async def retire(self, process: DomainProcess) -> None:
        """Ends a process as a deployment does: it answers what it has taken, and leaves."""
        self.processes.remove(process)
        await process.stop()

    async def kill(self, process: DomainProcess) -> None:
        """Ends a process as kill -9 does: nothing is finished, nobody is told."""
        self.processes.remove(process)
        await process.kill()

    async def start_worker(self, view: View) -> ViewWorker:
        """One more worker of `view`."""
        worker = ViewWorker(
            view, await view_stores(self.ground, view), self.ground.broker(), self.clock
        )
        await worker.start()
        self.workers.append(worker)
        return worker

    async def send(
        self,
        command: Command,
        *,
        command_id: str | None = None,
        expected_version: int | None = None,
        timeout: float = REST,
    ) -> dict[str, Any]:
        """Sends a public command as the `nats` CLI would; gives the reply's JSON.

        Raises BrokerUnavailable where no answer comes within `timeout` real seconds, as
        when the process that took the command was killed.
        """
        headers = {"Nats-Msg-Id": command_id} if command_id else {}
        if expected_version is not None:
            headers["Expected-Version"] = str(expected_version)
        fields = msgspec.to_builtins(command)
        fields = {name: value for name, value in fields.items() if name not in ("id", "type")}
        subject = subjects.command(self._owner(command), type(command).__name__, command.id)
        reply = await self.request(subject, msgspec.json.encode(fields), headers, timeout)
        return dict(msgspec.json.decode(reply.body))

    async def request(
        self,
        subject: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float = REST,
    ) -> Reply:
        """The reply to raw bytes. Raises NoResponders, BrokerUnavailable."""
        asking = asyncio.create_task(self.broker.request(subject, body, headers, timeout))
        while not asking.done():  # whoever must wait before it answers waits on the test's clock
            await self.ground.breathe()
        return asking.result()

    async def query(self, view: str, name: str, key: str | None = None, **params: Any) -> Any:
        """The JSON that `qry.<view>.<name>[.<key>]` answers."""
        subject = subjects.query(view, name, key)
        return msgspec.json.decode((await self.request(subject, msgspec.json.encode(params))).body)

    async def events(
        self, domain: str, id: str | None = None, *, after: int = 0
    ) -> Sequence[Recorded[Event]]:
        """What `domain` has recorded after a position, all of it or of the aggregates named
        `id`."""
        contract = self.domains[domain].contract
        store = self.stores[domain]
        found = [
            contract.decode(stored.position, stored.body)
            async for stored in _all(store, after)
            if id is None or stored.key.id == id
        ]
        return found

    async def story(self, id: str) -> Sequence[str]:
        """What happened to the aggregates named `id` in all domains, by time: lines of
        `<domain> <Event>`."""
        found = [event for name in self.domains for event in await self.events(name, id)]
        found.sort(key=lambda event: event.time)
        return [f"{event.domain} {event.type}" for event in found]

    async def advance(self, by: timedelta) -> None:
        """Lets time pass, and all that it brings."""
        self.clock.advance(by)
        await self.rest()

    async def until(
        self,
        condition: Callable[[], Awaitable[bool]],
        what: str = "",
        *,
        passing: timedelta = timedelta(0),
    ) -> None:
        """Returns when `condition` holds; the time `passing` passes between two looks.

        Raises NotAtRest after 30 real seconds.
        """
        async with _bounded(lambda: what):
            while not await condition():
                self.clock.advance(passing)
                await self.ground.breathe()

    async def rest(self) -> None:
        """Returns when nothing is left to do until time passes or somebody sends something.

        Raises NotAtRest after 30 real seconds, with what is still open.
        """
        open_points: list[str] = []
        async with _bounded(lambda: ", ".join(open_points)):
            quiet = 0
            while quiet < 2:  # seen twice: the first look itself takes time
                await self.ground.breathe()
                open_points[:] = await self._open_points()
                quiet = 0 if open_points else quiet + 1

    async def _open_points(self) -> list[str]:
        found = [
            f"{process.domain.name} is deciding" for process in self.processes if not process.idle
        ]
        heads = {name: (await store.head()).position for name, store in self.stores.items()}
        for name, domain in self.domains.items():
            found += await self._open_points_of(domain, heads[name], heads)
        for worker in self.workers:
            for name, checkpoint in worker.checkpoints.items():
                if checkpoint.position < heads.get(name, 0):
                    found.append(f"{worker.view.name} is at {name} {checkpoint.position}")
        return found

    async def _open_points_of(
        self, domain: Domain, head: int, heads: Mapping[str, int]
    ) -> list[str]:
        found = []
        store = self.stores[domain.name]
        if await self._published(domain.contract) != head:
            found.append(f"{domain.name}'s stream is not at {head}")
        for reaction in domain.reactions:
            upstream = reaction.upstream.domain
            if (await store.checkpoint(upstream)).position < heads.get(upstream, 0):
                found.append(f"{domain.name} has not reacted to all of {upstream}")
        if await self._due(store):
            found.append(f"{domain.name} has duties to fulfil")
        return found

    async def _due(self, store: Store) -> bool:
        due = await store.next_due()
        return due is not None and due <= self.clock.now()

    async def _published(self, contract: Contract) -> int:
        try:
            return (await self.broker.stream_state(contract.domain)).last
        except StreamMissing:
            return 0

    def _owner(self, command: Command) -> str:
        for name, domain in self.domains.items():
            if type(command) in domain.contract.command_aggregates:
                return name
        raise LookupError(f"no domain of this mesh takes {type(command).__name__}")


async def _all(store: Store, after: int) -> AsyncIterator[Any]:
    while page := await store.read(after, PAGE):
        for stored in page:
            yield stored
        after = page[-1].position


@asynccontextmanager
async def _bounded(what: Callable[[], str]) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(REST):
            yield
    except TimeoutError as error:
        raise NotAtRest(f"not at rest after {REST:.0f} s: {what()}") from error
