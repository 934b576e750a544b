"""What is measured on a store of some size: the time for one of many."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bus.broker.memory import MemoryBroker
from bus.clock import SystemClock, uuid7
from bus.committer import Committer
from bus.envelope import Key
from bus.process import DomainProcess
from bus.snapshots import Snapshots
from bus.states import States
from bus.store.port import Append, NewEvent
from bus.store.postgres import PostgresStore
from bus.tasks import end
from bus.work import Accepted, Cause, Identity, Work
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import ReceiveStock
from scripts.bench.growing_fill import HOT, command_id, sku

MANY = 64
"""Commands, aggregates, receipts or events at once."""
PAGE = 500
WARM_UP = 3
YOUNG = "ten events"
FROM_SNAPSHOT = "many events, from its snapshot"
FROM_HISTORY = "many events, the whole history"


@dataclass(frozen=True)
class Sized:
    """A store that was filled to `events`, with `known` SKUs."""

    url: str
    store: PostgresStore
    events: int
    known: int

    def skus(self) -> Sequence[str]:
        return [sku(random.randrange(self.known)) for _ in range(MANY)]


Cost = Callable[[Sized], Awaitable[float]]
"""Does it once and gives the seconds for one."""


async def command_new(sized: Sized) -> float:
    """A command that starts an aggregate: decided, written with its receipt, answered."""
    async with _committing(sized) as committer:
        return await _commands(committer, [uuid7() for _ in range(MANY)])


async def command_old(sized: Sized) -> float:
    """A command on an aggregate of some age that has to be loaded."""
    async with _committing(sized) as committer:
        return await _commands(committer, sized.skus())


async def append(sized: Sized) -> float:
    """An event in an append of many, each the first of an aggregate."""
    keys = [Key("stock", uuid7()) for _ in range(MANY)]
    body = (await sized.store.read(0, 1))[0].body
    events = [NewEvent(uuid7(), key, 1, "StockReceived", body) for key in keys]
    began = time.perf_counter()
    await sized.store.append(Append(expected=dict.fromkeys(keys, 0), events=events))
    return (time.perf_counter() - began) / MANY


async def load(sized: Sized) -> float:
    """An aggregate that is not in the cache: read and folded."""
    states = States(DOMAIN, Snapshots(DOMAIN, sized.store))
    keys = [Key("stock", id) for id in dict.fromkeys(sized.skus())]
    began = time.perf_counter()
    await states.load(sized.store, keys)
    return (time.perf_counter() - began) / len(keys)


async def read(sized: Sized) -> float:
    """An event read by position, in a page from anywhere."""
    after = random.randrange(max(1, sized.events - PAGE))
    began = time.perf_counter()
    found = await sized.store.read(after, PAGE)
    return (time.perf_counter() - began) / len(found)


async def history(sized: Sized) -> float:
    """All that happened to one id."""
    id = sized.skus()[0]
    began = time.perf_counter()
    await sized.store.history(id, 0, PAGE)
    return time.perf_counter() - began


async def receipts(sized: Sized) -> float:
    """A receipt, looked up among many."""
    ids = [command_id(random.randrange(sized.events) + 1) for _ in range(MANY)]
    began = time.perf_counter()
    await sized.store.receipts(ids)
    return (time.perf_counter() - began) / MANY


async def trim(sized: Sized) -> float:
    """A receipt that is old enough, forgotten in a portion."""
    before = datetime.now(UTC) - timedelta(days=7)
    began = time.perf_counter()
    gone = await sized.store.trim_receipts(before, MANY)
    return (time.perf_counter() - began) / max(1, gone)


async def start(sized: Sized) -> float:
    """A process: until it leads and has answered its first command. Its stream is there."""
    broker = MemoryBroker()
    await broker.open()
    await broker.ensure_stream(DOMAIN.name, (await sized.store.head()).position + 1)
    process = DomainProcess(DOMAIN, PostgresStore(sized.url), broker, receipts_days=7)
    began = time.perf_counter()
    await process.start()
    while not process.leader.leading:  # noqa: ASYNC110, it tells nobody
        await asyncio.sleep(0.001)
    await _commands(process.committer, [sku(0)])
    took = time.perf_counter() - began
    await process.stop()
    return took


COSTS: dict[str, tuple[Cost, int]] = {
    "command, new SKU": (command_new, 40),
    "command, SKU loaded": (command_old, 40),
    "append, an event": (append, 40),
    "load, an aggregate": (load, 40),
    "read, an event": (read, 40),
    "history of an id": (history, 40),
    "receipt looked up": (receipts, 40),
    "receipt trimmed": (trim, 20),
    "start of a process": (start, 5),
}
"""By name, with how often it is done."""


async def measured(
    name: str, stores: Sequence[Sized], times: int | None, say: Callable[[str], None]
) -> list[float]:
    """In each store: the lower quartile, in seconds, since others use the machine, too."""
    say(f"{name} …")
    cost, often = COSTS[name]
    found: list[list[float]] = [[] for _ in stores]
    for number in range(WARM_UP + (times or often)):
        for sized, series in zip(stores, found, strict=True):
            took = await cost(sized)
            if number >= WARM_UP:
                series.append(took)
    return [sorted(series)[len(series) // 4] for series in found]


async def first_answer(sized: Sized, id: str) -> float:
    """Seconds for a command on this SKU right after a restart: loaded, decided, written."""
    async with _committing(sized) as committer:
        took = await _commands(committer, [id])
        await committer.snapshots.work()
        return took


async def hot(sized: Sized) -> dict[str, float]:
    """Seconds for the first command after a restart: on a young SKU, and on one in all orders."""
    whole = await first_answer(sized, HOT)  # which also leaves a snapshot
    young = [await first_answer(sized, sku(n)) for n in range(20)]
    aged = [await first_answer(sized, HOT) for _ in range(20)]
    return {
        YOUNG: statistics.median(young),
        FROM_SNAPSHOT: statistics.median(aged),
        FROM_HISTORY: whole,
    }


@asynccontextmanager
async def _committing(sized: Sized) -> AsyncIterator[Committer]:
    committer = Committer(DOMAIN, sized.store, SystemClock())
    running = asyncio.create_task(committer.run())
    try:
        yield committer
    finally:
        await end([running])


async def _commands(committer: Committer, ids: Sequence[str]) -> float:
    works = [_work(id) for id in ids]
    began = time.perf_counter()
    outcomes = await asyncio.gather(*(committer.submit(work) for work in works))
    took = time.perf_counter() - began
    if not all(isinstance(outcome, Accepted) for outcome in outcomes):
        raise RuntimeError(f"not accepted: {outcomes}")
    return took / len(works)


def _work(id: str) -> Work:
    given = uuid7()
    command = ReceiveStock(id=id, quantity=1)
    identity = Identity(given, bytes(32))
    return Work(commands=(command,), cause=Cause(given, given), identity=identity)
