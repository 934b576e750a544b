"""How many events a second are folded into views: ours, and the `eventsourcing` library's.

It starts servers of its own, fills a stream and an application with the same orders, and
lets each view be built from nothing, in a process of its own, round after round.

    python -m scripts.bench.views [--events N] [--rounds N] [--quick]
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import cyclopts
from redis.asyncio import Redis
from rich.console import Console

from bus.broker.nats import NatsBroker
from bus.settings import Settings
from bus.view import View
from bus.views.process import store
from domains.ordering.messages import CONTRACT
from scripts.bench import views_library as library
from scripts.bench.views_events import EACH, publish
from scripts.bench.views_ground import Servers, Timed, process, servers, timed
from scripts.bench.views_sample import CACHED, DAYS, LAST, ORDERS
from scripts.bench.views_table import machine, table

LIBRARY = "ProjectionRunner"
RELAXED = "ProjectionRunner, no fsync"
OURS = {
    "row per order, Postgres": ORDERS,
    "few keys, Postgres": DAYS,
    "row per order, Valkey": CACHED,
}
SHARE = 20
"""The library gets that many times fewer events, to take as long."""


class Wrong(Exception):
    """A view is not what was folded, so that the number would mean nothing."""


@dataclass
class Bench:
    """`events` in our stream and `saved` in the library's application."""

    servers: Servers
    events: int = 0
    saved: int = 0
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def fill(self, orders: int) -> None:
        broker = NatsBroker(self.servers.nats.url)
        await broker.open()
        try:
            self.events = await publish(broker, orders)
        finally:
            await broker.close()
        await self.servers.postgres.database("shop")
        environment = library.environment(self.servers.postgres.url, "shop", "board")
        self.saved = await asyncio.to_thread(library.fill, environment, max(orders // SHARE, 20))

    async def ours(self, view: View) -> Timed:
        environment = await self._environment()
        found = store(view, Settings.from_environment(environment))
        await found.open()

        async def progress() -> int:
            async with found.snapshot() as snapshot:
                return snapshot.positions[CONTRACT.domain]

        try:
            words = ("scripts.bench.views_sample", view.name)
            with process(*words, environment=environment) as pid:
                result = await timed({"worker": pid, **self.servers.pids}, progress, self.events)
            async with found.snapshot() as snapshot:
                await self._check(view, (await snapshot.rows.find({}, limit=self.events)).rows)
        finally:
            await found.close()
        return result

    async def library(self, *, relaxed: bool) -> Timed:
        name = f"board_{next(self.numbers)}"
        url = await self.servers.postgres.database(name)
        environment = dict(library.environment(self.servers.postgres.url, "shop", name))
        if relaxed:
            environment["PGOPTIONS"] = "-c synchronous_commit=off"
        async with _connected(url) as connection:

            async def progress() -> int:
                try:
                    return await connection.fetchval(library.PROGRESS) or 0
                except asyncpg.UndefinedTableError:
                    return 0

            with process("scripts.bench.views_library", environment=environment) as pid:
                result = await timed({"worker": pid, **self.servers.pids}, progress, self.saved)
            rows = await connection.fetchval(library.FINISHED)
        if rows * EACH != self.saved:
            raise Wrong(f"{rows} orders have come to their end after {self.saved} events")
        return result

    async def _environment(self) -> Mapping[str, str]:
        """Nothing is left of earlier views."""
        async with Redis.from_url(self.servers.valkey.url) as valkey:
            await valkey.flushall()
        url = await self.servers.postgres.database(f"views_{next(self.numbers)}")
        return {
            "NATS_URL": self.servers.nats.url,
            "REDIS_URL": self.servers.valkey.url,
            "TRUEUP_VIEWS_DATABASE_URL": url,
        }

    async def _check(self, view: View, rows: Sequence[Mapping[str, object]]) -> None:
        if view is DAYS:
            seen = sum(int(str(row["events"])) for row in rows)
        else:
            seen = sum(row["state"] == LAST for row in rows) * EACH
        if seen != self.events:
            raise Wrong(f"the rows of {view.name} tell of {seen} events, not of {self.events}")


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def measure(events: int, rounds: int) -> Mapping[str, Sequence[Timed]]:
    """What each kind of view did in each round; they take turns. Raises Wrong."""
    found: dict[str, list[Timed]] = {name: [] for name in (*OURS, LIBRARY, RELAXED)}
    async with servers() as started:
        bench = Bench(started)
        await bench.fill(events // EACH)
        for _ in range(rounds):
            for name, view in OURS.items():
                await started.settle()
                found[name].append(await bench.ours(view))
            for name in (LIBRARY, RELAXED):
                await started.settle()
                found[name].append(await bench.library(relaxed=name == RELAXED))
    return found


def median_of(rounds: Sequence[Timed]) -> Timed:
    """The round in the middle, by speed."""
    return sorted(rounds, key=lambda one: one.per_second)[len(rounds) // 2]


def bench(*, events: int = 200_000, rounds: int = 5, quick: bool = False) -> None:
    """Measure views.

    Parameters
    ----------
    events
        In the stream; the library gets fewer.
    rounds
        Each kind of view is built that often; the medians are shown.
    quick
        One round of few events, to see that everything works.
    """
    if quick:
        events, rounds = 20_000, 1
    found = asyncio.run(measure(events, rounds))
    console = Console(width=100)
    console.print(table({name: median_of(of) for name, of in found.items()}, LIBRARY))
    console.print(f"median of {rounds}; {machine()}")


if __name__ == "__main__":
    cyclopts.run(bench)
