"""What it costs that a view remembers its earlier rows: events a second, bytes, and questions.

It starts servers of its own and folds the same events into the same view, in writes as small as
when a view follows its streams: remembering what they replace, and not, in turns.

    python -m scripts.bench.history [--events N] [--rounds N]
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from redis.asyncio import Redis
from rich.console import Console

from bus.clock import SystemClock
from bus.owner import Delivered, identify
from bus.view import View
from bus.views.builder import Builder
from bus.views.port import ViewStore
from bus.views.postgres import PostgresViewStore
from bus.views.redis import RedisViewStore
from domains.ordering.messages import CONTRACT
from scripts.bench import machine
from scripts.bench.history_costs import Found, Moment, costs
from scripts.bench.history_table import table
from scripts.bench.views_events import EACH, delivered
from scripts.bench.views_ground import Servers, servers
from scripts.bench.views_sample import CACHED, ORDERS

VIEWS = {"Postgres": ORDERS, "Valkey": CACHED}
WRITE = 100
"""Events that are folded in one write."""

Count = Annotated[int, Parameter(validator=Number(gte=1))]

app = App(name="history", help="What a view's memory of its earlier rows costs.")


@dataclass
class Bench:
    servers: Servers
    batches: Sequence[Sequence[Delivered]]
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def round(self, view: View, found: Found, *, remembers: bool, questions: int = 0) -> None:
        url = await self._empty(view)
        store = _store(view, url, remembers=remembers)
        await store.open()
        try:
            await self.servers.settle()
            rate = await _folded(store, self.batches)
            (found.remembering if remembers else found.forgetting).append(rate)
            if remembers and questions:
                moments = [_moment(batch) for batch in self.batches]
                found.costs = await costs(store, url, moments, questions)
        finally:
            await store.close()

    async def _empty(self, view: View) -> str:
        """Where nothing is left of earlier rounds."""
        url = self.servers.valkey.url
        async with Redis.from_url(url) as valkey:
            await valkey.flushall()
        if view.backend == "redis":
            return url
        return await self.servers.postgres.database(f"views_{next(self.numbers)}")


def _store(view: View, url: str, *, remembers: bool) -> ViewStore:
    if view.backend == "redis":
        return RedisViewStore(view, url, remembers=remembers)
    return PostgresViewStore(view, url, remembers=remembers)


async def _folded(store: ViewStore, batches: Sequence[Sequence[Delivered]]) -> float:
    """Events a second, as a process of the view folds what has just happened."""
    builder = Builder(store, SystemClock(), lambda: None)
    await builder.begin()
    await builder.take_over()
    await builder.remember()
    began = time.perf_counter()
    for batch in batches:
        await builder.put({CONTRACT.domain: await builder.read(CONTRACT.domain, batch)})
    return batches[-1][-1].position / (time.perf_counter() - began)


def _moment(batch: Sequence[Delivered]) -> Moment:
    last = batch[-1]
    return Moment(last.position, identify(last.body).subject.partition("/")[2])


def _batches(events: int) -> Sequence[Sequence[Delivered]]:
    found = list(delivered(max(events // EACH, 1)))
    return [found[start : start + WRITE] for start in range(0, len(found), WRITE)]


async def measure(events: int, rounds: int, questions: int) -> Mapping[str, Found]:
    """By the kind of server. Who begins changes from round to round."""
    found = {name: Found() for name in VIEWS}
    async with servers() as started:
        bench = Bench(started, _batches(events))
        for left in reversed(range(rounds)):
            asked = 0 if left else questions
            for name, view in VIEWS.items():
                for remembers in (True, False) if left % 2 else (False, True):
                    await bench.round(view, found[name], remembers=remembers, questions=asked)
    return found


@app.default
def main(*, events: Count = 50_000, rounds: Count = 5, questions: Count = 300) -> None:
    """Measure, and print a table.

    Parameters
    ----------
    events
        That are folded in a round.
    rounds
        With a memory, and without; medians are shown.
    questions
        Of each kind, now and as of a moment anywhere in the history.
    """
    found = asyncio.run(measure(events, rounds, questions))
    console = Console(width=100, highlight=False)
    console.print(table(found))
    console.print(
        f"{events:,} events, {WRITE} a write; medians of {rounds} rounds; {machine.described()}",
        soft_wrap=True,
    )


if __name__ == "__main__":
    app()
