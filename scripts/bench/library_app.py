"""The `eventsourcing` library on its own Postgres module: a thread a client.

`python -m scripts.bench.library_app`, with a Task on stdin and the library's variables in
the environment; a Run comes out. The aggregate says what inventory's stock says.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from msgspec import Struct

from scripts.bench.figures import Run
from scripts.bench.spoken import counting, tell

OLD = 5
"""Events of an aggregate that is not new."""


class Task(Struct, frozen=True):
    """`seconds` of work for `clients` threads: new aggregates, or one event more on
    aggregates that have five; `prepared` is how many of these there are, used once each."""

    case: str
    clients: int
    seconds: float
    warm_up: float
    prepared: int


class Stock(Aggregate):
    @event("Received")
    def __init__(self, quantity: int, note: str) -> None:
        self.on_hand = quantity

    @event("ReceivedMore")
    def receive(self, quantity: int, note: str) -> None:
        self.on_hand += quantity


def _create(app: Application[UUID]) -> None:
    app.save(Stock(quantity=1, note=""))


def _prepared(app: Application[UUID], count: int) -> Iterator[UUID]:
    """Aggregates with five events each."""
    stocks = [Stock(quantity=1, note="") for _ in range(count)]
    for stock in stocks:
        for _ in range(OLD - 1):
            stock.receive(1, "")
    for start in range(0, count, 200):
        app.save(*stocks[start : start + 200])
    return iter([stock.id for stock in stocks])


def _receive(app: Application[UUID], ids: Iterator[UUID]) -> None:
    stock: Stock = app.repository.get(next(ids))
    stock.receive(1, "")
    app.save(stock)


def _worker(
    work: Callable[[], None], counts: float, until: float, latencies: list[tuple[float, float]]
) -> None:
    while (began := time.perf_counter()) < until:
        try:
            work()
        except StopIteration:
            return
        ended = time.perf_counter()
        if ended >= counts:
            latencies.append((ended, ended - began))


def measure(app: Application[UUID], task: Task) -> Run:
    work: Callable[[], None] = lambda: _create(app)  # noqa: E731
    if task.case != "new":
        ids = _prepared(app, task.prepared)
        work = lambda: _receive(app, ids)  # noqa: E731
    counts = time.perf_counter() + task.warm_up
    each: list[list[tuple[float, float]]] = [[] for _ in range(task.clients)]
    arguments = ((work, counts, counts + task.seconds, found) for found in each)
    threads = [threading.Thread(target=_worker, args=given) for given in arguments]
    for thread in threads:
        thread.start()
    threading.Event().wait(task.warm_up)
    with counting() as cpu:
        for thread in threads:
            thread.join()
    answered = list(itertools.chain(*each))
    last = max((ended for ended, _ in answered), default=counts)
    return Run(last - counts, [latency for _, latency in answered], cpu())


if __name__ == "__main__":
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    application = Application[UUID]()
    try:
        tell(measure(application, task))
    finally:
        application.close()
