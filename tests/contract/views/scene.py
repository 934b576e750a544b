"""Two streams that a test writes to, and workers of a view that follow them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from bus import envelope, log, subjects
from bus.broker.port import Broker, Outgoing, Reply
from bus.clock import uuid7
from bus.contract import Contract
from bus.envelope import Key
from bus.messages import Event, tag
from bus.store.port import Append, NewEvent, Store
from bus.testing.ground import Ground, MemoryGround, view_stores
from bus.view import View
from bus.views.build import Aim, Stage
from bus.views.partitioned import asked
from bus.views.partitions import parts
from bus.views.past import Moved
from bus.views.port import ViewStore
from bus.views.rebuild import Rebuild
from bus.views.worker import ViewWorker
from tests.contract.views.sample import BILLS, DEBTS, MONEY, Billed, Paid

PATIENCE = 20.0
TIME = datetime(2026, 1, 1, tzinfo=UTC)


class Written(NamedTuple):
    """An event as it is published: `body` may be anything at all."""

    subject: str
    body: bytes


def written(contract: Contract, id: str, event: Event) -> Written:
    """An event of a domain that has one kind of aggregate."""
    (aggregate,) = contract.events
    return written_of(contract, aggregate, id, event)


def written_of(contract: Contract, aggregate: str, id: str, event: Event) -> Written:
    body = envelope.encode(
        event=event,
        event_id=uuid7(),
        domain=contract.domain,
        key=Key(aggregate, id),
        version=1,
        dataversion=1,
        time=TIME,
        correlation_id="test",
        causation_id="test",
    )
    return Written(subjects.event(contract.domain, aggregate, id, tag(type(event))), body)


class Scene:
    """`streams` holds what has been published, by domain; positions count from 1."""

    def __init__(self, ground: Ground, backend: str, partitions: int = 1) -> None:
        self.ground = ground
        self.backend = backend
        self.view = replace(
            DEBTS,
            backend="redis" if backend == "redis" else "postgres",
            partitions=partitions,
        )
        self.streams: dict[str, list[Written]] = {"bills": [], "money": []}
        self.workers: list[ViewWorker] = []

    async def open(self) -> None:
        await self.ground.open()
        self.broker: Broker = self.ground.broker()
        await self.broker.open()
        for domain in self.streams:
            await self.broker.ensure_stream(domain)

    async def close(self) -> None:
        for worker in self.workers:
            await worker.stop()
        await self.broker.close()
        await self.ground.close()

    async def publish(self, domain: str, *events: Written) -> None:
        after = len(self.streams[domain])
        self.streams[domain] += events
        await self.broker.publish_run(domain, after, [Outgoing(*event) for event in events])

    async def bill(self, *bills: tuple[str, str, int]) -> None:
        events = [written(BILLS, id, Billed(who=who, amount=n)) for id, who, n in bills]
        await self.publish("bills", *events)

    async def pay(self, *payments: tuple[str, int]) -> None:
        events = [written(MONEY, f"p-{id}", Paid(bill=id, amount=n)) for id, n in payments]
        await self.publish("money", *events)

    async def store(self, view: View | None = None, aim: Aim = Aim.SERVE) -> ViewStore:
        return await self.ground.view_store(view or self.view, aim)

    @asynccontextmanager
    async def rebuilding(
        self, aim: Aim = Aim.REBUILD, view: View | None = None
    ) -> AsyncIterator[Rebuild]:
        """One that can be run."""
        stores = [await self.store(view, one) for one in (Aim.ASKED, aim)]
        broker = self.ground.broker()
        await broker.open()
        try:
            for store in stores:
                await store.open()
            asked, made = stores
            yield Rebuild(made, asked, broker, clock=self.ground.clock)
        finally:
            for store in stores:
                await store.close()
            await broker.close()

    async def builds(self) -> Sequence[tuple[int, int, Stage]]:
        """Number, version and stage of each."""
        store = await self.store(aim=Aim.ASKED)
        await store.open()
        try:
            return [(b.number, b.version, b.stage) for b in await store.builds()]
        finally:
            await store.close()

    async def worker(
        self,
        view: View | None = None,
        wrapped: Callable[[ViewStore], ViewStore] = lambda store: store,
    ) -> ViewWorker:
        view = view or self.view
        stores = [wrapped(await self.store(part)) for part in parts(view)]
        worker = ViewWorker(view, stores, self.ground.broker(), self.ground.clock)
        await worker.start()
        self.workers.append(worker)
        if view.partitions > 1 and view.version == self.view.version:
            await self.until(lambda: _answers(worker))
        return worker

    async def stop(self, worker: ViewWorker) -> None:
        self.workers.remove(worker)
        await worker.stop()

    async def at_rest(self) -> None:
        """Every worker has heard of everything."""
        heads = {domain: len(events) for domain, events in self.streams.items()}

        async def there() -> bool:
            return all(
                {domain: place.position for domain, place in worker.checkpoints.items()} == heads
                for worker in self.workers
            )

        await self.until(there)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await condition():
                await self.ground.breathe()

    async def rows(self) -> Mapping[str, tuple[str, int]]:
        """Who owes what, by bill."""
        stores = await view_stores(self.ground, self.view)
        for store in stores:
            await store.open()
        try:
            while True:
                with suppress(Moved):  # whoever asks is to ask again, as queries do
                    async with asked(self.view, stores, self.broker).snapshot() as snapshot:
                        page = await snapshot.rows.find({}, limit=100_000)
                    return {row["id"]: (row["who"], row["owed"]) for row in page.rows}
        finally:
            for store in stores:
                await store.close()

    async def ask(
        self, query: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return dict(msgspec.json.decode((await self.reply(query, body, headers)).body))

    async def reply(
        self, query: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        return await self.broker.request(f"qry.debts.{query}", body, headers)

    async def parked(self) -> Sequence[tuple[str, str, int]]:
        reply = await self.broker.request(subjects.parked_list("debts"))
        rows = msgspec.json.decode(reply.body)["parked"]
        return [(row["reader"], row["key"], row["position"]) for row in rows]

    async def retry(self, **what: str) -> Mapping[str, int]:
        body = msgspec.json.encode(what)
        reply = await self.broker.request(subjects.parked_retry("debts"), body)
        return dict(msgspec.json.decode(reply.body))

    async def serve_log(self, contract: Contract) -> None:
        """The owner of the stream answers, from a store with the same events."""
        store: Store = await self.ground.store(contract.domain)
        await store.open()
        events = []
        for number, event in enumerate(self.streams[contract.domain]):
            key = Key("any", f"n-{number}")
            id = msgspec.json.decode(event.body)["id"]
            events.append(NewEvent(id, key, 1, event.subject.rpartition(".")[2], event.body))
        await store.append(Append(events=events, expected={event.key: 0 for event in events}))
        await self.broker.serve(contract.domain, "", "1.0.0", log.endpoints(contract, store))

    async def lose_message(self, domain: str, sequence: int) -> None:
        if isinstance(self.ground, MemoryGround):
            self.ground.server.delete_message(domain, sequence)
        else:
            subject = f"$JS.API.STREAM.MSG.DELETE.{domain.upper()}"
            await self.broker.request(subject, msgspec.json.encode({"seq": sequence}))

    async def publish_all_again(self, domain: str) -> None:
        """The stream is lost, and its owner writes it again."""
        await self.broker.delete_stream(domain)
        await self.broker.ensure_stream(domain)
        run = [Outgoing(*event) for event in self.streams[domain]]
        await self.broker.publish_run(domain, 0, run)


async def _answers(worker: ViewWorker) -> bool:
    """Of a view in partitions none does before it has caught up."""
    return worker.answers or bool(worker.problems)
