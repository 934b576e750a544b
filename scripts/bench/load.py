"""The load: clients on one connection, each with one command on its way at a time.

A process of its own, and a lean one: it splits what arrives at line ends, compares a few
bytes, and writes the next commands of all who were answered in one go.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator, Sequence

import msgspec
import uvloop
from msgspec import Struct

from scripts.bench.figures import Run
from scripts.bench.spoken import counting, tell
from scripts.bench.wire import Wire, connected

PATIENCE = 30.0
"""Seconds without the last answers after which the run has failed."""
_RETRY_AFTER = re.compile(rb'"retry_after": *(\d+)')


class Task(Struct, frozen=True):
    """`clients` send `body` to `subject` + id, once to each of `ids` at most, for `seconds`;
    what is answered in the first `warm_up` seconds does not count. Each answer must begin
    with `expected`. With `declined`, what an error's body may hold, such an answer is counted
    by itself, and its client asks again: after the seconds that it was told to wait, or at
    once if `hasty`."""

    url: str
    subject: str
    ids: Sequence[str]
    body: str
    clients: int
    seconds: float
    warm_up: float
    expected: str
    declined: str = ""
    hasty: bool = False


class Clients:
    """What each of the task's clients waits for, and since when."""

    def __init__(self, task: Task, wire: Wire) -> None:
        self._task = task
        self._wire = wire
        self._ids: Iterator[str] = iter(task.ids)
        self._since = [0.0] * task.clients
        self._asked = [""] * task.clients
        self._waiting = 0
        self._resting = 0
        self._expected = task.expected.encode()
        self._declined = task.declined.encode()
        self.latencies: list[float] = []
        self.declined: list[float] = []
        self.accepted = 0
        self.done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        wire.deliver = self._answered

    def start(self) -> None:
        self._began = time.perf_counter()
        self._counts = self._began + self._task.warm_up
        self._until = self._counts + self._task.seconds
        for client in range(self._task.clients):
            self._send(client, self._began)

    @property
    def took(self) -> float:
        return self._ended - self._counts

    def _send(self, client: int, now: float) -> None:
        id = next(self._ids, "") if now < self._until else ""
        if id:
            self._ask(client, id, now)

    def _ask(self, client: int, id: str, now: float) -> None:
        self._asked[client] = id
        self._since[client] = now
        self._waiting += 1
        self._wire.ask(f"{self._task.subject}{id}", client, self._task.body)

    def _answered(self, client: int, payload: bytes, error: bool) -> None:
        now = time.perf_counter()
        told = self._told(payload, error)
        if told is None:
            self._fail(payload)
            return
        self.accepted += told is self.latencies
        if now >= self._counts:
            told.append(now - self._since[client])
        self._waiting -= 1
        self._ended = now
        if told is self.latencies:
            self._send(client, now)
        elif self._task.hasty:
            self._ask_again(client, now)
        else:
            self._put_off(client, _delay(payload))
        self._end()

    def _put_off(self, client: int, seconds: float) -> None:
        self._resting += 1

        def rested() -> None:
            self._resting -= 1
            self._ask_again(client, time.perf_counter())
            self._end()

        asyncio.get_running_loop().call_later(seconds, rested)

    def _ask_again(self, client: int, now: float) -> None:
        if now < self._until:
            self._ask(client, self._asked[client], now)

    def _end(self) -> None:
        if self._waiting == self._resting == 0 and not self.done.done():
            self.done.set_result(self._ended)

    def _told(self, payload: bytes, error: bool) -> list[float] | None:
        """Where an answer's latency goes; None where it was not to be expected."""
        if error and self._declined and self._declined in payload:
            return self.declined
        return self.latencies if not error and payload.startswith(self._expected) else None

    def _fail(self, payload: bytes) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(payload.decode(errors="replace")))


def _delay(payload: bytes) -> float:
    """Seconds that an answer asks its sender to wait."""
    found = _RETRY_AFTER.search(payload)
    return float(found[1]) if found else 0.0


async def run(task: Task) -> Run:
    """Raises RuntimeError for an answer that was not expected, TimeoutError without any."""
    wire = await connected(task.url, Wire)
    await wire.ready()
    clients = Clients(task, wire)
    async with asyncio.timeout(task.warm_up + task.seconds + PATIENCE):
        clients.start()
        await asyncio.wait([clients.done], timeout=task.warm_up)
        with counting() as cpu:
            await clients.done
    wire.close()
    return Run(clients.took, clients.latencies, cpu(), clients.declined, clients.accepted)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    tell(uvloop.run(run(asked)))
