"""A domain's process: commands in, batches out, and the way of events while it leads."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import structlog
from msgspec import structs

from bus import log as event_log
from bus import parked, status
from bus.behind import Upstreams
from bus.broker.nats import NatsBroker
from bus.broker.port import Broker, BrokerUnavailable, Serving, StreamMissing
from bus.broker.streams import StreamSettings
from bus.clock import Clock, Ids, SystemClock, uuid7
from bus.committer import Committer
from bus.deadlines import Deadlines
from bus.decider import Domain
from bus.hints import Hints
from bus.lag import Followed, lags
from bus.leader import Duty, Leader
from bus.main import run_until_stopped
from bus.mirror import Mirror, StreamDiverged
from bus.outside import Calls, Outside
from bus.parked import Retried
from bus.reactions import Reactions
from bus.relay import Relay
from bus.service import Service
from bus.settings import Settings
from bus.standby import Standby
from bus.status import Status
from bus.store.port import Store, StoredEvent, StoreUnavailable
from bus.store.postgres import PostgresStore
from bus.tasks import end
from bus.term import Term
from bus.trimming import Trimming

VERSION = "1.0.0"

log = structlog.get_logger()


def run(domain: Domain, outside: Callable[[Settings], Outside] | None = None) -> None:
    """The whole `main` of a domain's process: runs until it is told to stop."""

    def build(settings: Settings) -> DomainProcess:
        return DomainProcess(
            domain,
            PostgresStore(settings.database_url(domain.name)),
            NatsBroker(settings.nats_url, name=domain.name, streams=_streams(settings)),
            outside=outside(settings) if outside else None,
            receipts_days=settings.receipts_days,
        )

    run_until_stopped(domain.name, build)


def _streams(settings: Settings) -> StreamSettings:
    return StreamSettings(
        replicas=settings.stream_replicas,
        max_msgs=settings.stream_max_msgs or -1,
        by_entity=settings.stream_by_entity,
    )


class DomainProcess:
    """All parts of one process, wired. Several may run for one domain: one of them leads.

    `outside` answers the domain's calls, where it makes any. Receipts are kept for
    `receipts_days`, 0: for ever.
    """

    def __init__(
        self,
        domain: Domain,
        store: Store,
        broker: Broker,
        *,
        clock: Clock | None = None,
        ids: Ids = uuid7,
        outside: Outside | None = None,
        receipts_days: int = 0,
    ) -> None:
        self.domain = domain
        self.store = store
        self.broker = broker
        self._clock = clock or SystemClock()
        self._ids = ids
        self._outside = outside
        self._receipts_days = receipts_days
        self._serving: Serving | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Returns when commands are answered. Raises StoreUnavailable, BrokerUnavailable."""
        try:
            await self.store.open()
            await self.broker.open()
            self._wire()
            await self._compare_with_stream()
        except (StoreUnavailable, BrokerUnavailable):
            await self._leave()
            raise
        self._tasks = [
            asyncio.create_task(self.committer.run(), name=f"{self.domain.name} committer"),
            asyncio.create_task(
                self.committer.snapshots.run(), name=f"{self.domain.name} snapshots"
            ),
            asyncio.create_task(self.leader.run(), name=f"{self.domain.name} leader"),
            asyncio.create_task(self.standby.run(), name=f"{self.domain.name} standby"),
        ]
        self._serving = await self.broker.serve(
            self.domain.name,
            f"The commands and the log of {self.domain.name}",
            VERSION,
            [
                *self.service.endpoints(),
                *event_log.endpoints(
                    self.domain.contract,
                    self.store,
                    upstreams=[reaction.upstream.domain for reaction in self.domain.reactions],
                ),
                *parked.endpoints(self.domain.name, self.store, self._retry_parked),
                status.endpoint(self.domain.name, self._report),
            ],
        )
        await self.service.start_submissions()

    async def stop(self) -> None:
        """Answers what was taken, hands leadership on, and leaves."""
        if self._serving is not None:
            await self._serving.stop()
            await self.service.stop()
            await self.committer.drain()
        await self.leader.stop()
        await end(self._tasks)
        await self._hints.sent()
        await self._leave()

    async def kill(self) -> None:
        """Ends as a crash does, for tests: nothing is finished, nobody is told."""
        await end([*self._tasks, *self._hints.tasks, *self.service.answering])
        await self._leave()

    async def wait(self) -> None:
        """Raises what has brought the process down; else never returns."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _leave(self) -> None:
        if self._outside is not None:
            await self._outside.close()
        await self.broker.close()
        await self.store.close()

    @property
    def idle(self) -> bool:
        """Nothing is being decided or asked outside."""
        asking = self.calls.in_flight if self.calls else 0
        return self.committer.idle and self.service.idle and not asking

    def status(self) -> status.Status:
        """What this process says of itself."""
        leading = self.leader.leading
        return status.Status(
            service=self.domain.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            leading=leading,
            published=self.relay.published if leading else None,
            positions={r.upstream: r.position for r in self.reactions} if leading else {},
            problems=self.leader.problems | self.committer.snapshots.problems,
            breaker=self.calls.breaker_state if self.calls and leading else None,
            counts=self.committer.counts,
        )

    async def _report(self) -> Status:
        found = self.status()
        followed = [
            Followed(r.upstream, r.position, r.pace)
            for r in self.reactions
            if r.upstream in found.positions
        ]
        streams = await lags(followed, self.broker, self.store.parked, self._clock)
        return structs.replace(found, streams=streams)

    def _wire(self) -> None:
        domain, store, broker, clock = self.domain, self.store, self.broker, self._clock
        self.committer = Committer(
            domain,
            store,
            clock,
            ids=self._ids,
            max_payload=broker.max_payload,
            behind=Upstreams(store, broker).behind,
        )
        self.committer.listeners.append(self._committed)
        self.service = Service(domain.contract, broker, self.committer, clock, self._ids)
        self.relay = Relay(domain.contract, store, broker, clock)
        self.reactions = [
            Reactions(domain, reaction, store, broker, self.committer, clock=clock)
            for reaction in domain.reactions
        ]
        self.deadlines = Deadlines(domain, store, self.committer, clock)
        self.calls = (
            Calls(domain, store, self.committer, clock, self._outside) if self._outside else None
        )
        self.trimming = Trimming(store, clock, timedelta(days=self._receipts_days))
        term = Term(self.relay, self._duties(), self._take_no_more)
        self.leader = Leader(store.lease(), term.duties, clock)
        self._hints = Hints(domain.name, broker)
        mirror = Mirror(domain.contract, store, broker)
        self.standby = Standby(mirror, clock, lambda: self.leader.leading, self._take_no_more)

    def _duties(self) -> Sequence[Duty]:
        """What only the leader does, beside its relay."""
        return [
            ("deadlines", self.deadlines.run),
            *([("trimming", self.trimming.run)] if self._receipts_days else []),
            *[(f"reactions to {r.upstream}", r.run) for r in self.reactions],
            *([("calls", self.calls.run)] if self.calls else []),
        ]

    async def _compare_with_stream(self) -> None:
        """Before the first command: one more event would only be one more that differs."""
        try:
            # That somebody makes the stream again meanwhile is the relay's business.
            with suppress(StreamMissing):
                await Mirror(self.domain.contract, self.store, self.broker).check(0)
        except StreamDiverged as halt:
            self._take_no_more(halt)

    def _take_no_more(self, halt: StreamDiverged) -> None:
        if self.service.halted is None:
            log.critical("takes no commands", reason=str(halt))
            self.service.halted = str(halt)

    async def _retry_parked(self, key: str | None) -> Retried | None:
        if not self.leader.leading:
            return None
        return sum([await reaction.retry(key) for reaction in self.reactions], Retried())

    def _committed(self, events: Sequence[StoredEvent]) -> None:
        if self.leader.leading:
            self.relay.committed(events)
            return
        self._hints.send()
