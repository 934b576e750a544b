"""The work queue in memory: a submission comes again until it is acknowledged.

Without a clock: what is to be retried goes to the end of the queue at once.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Stored(NamedTuple):
    number: int
    subject: str
    body: bytes
    headers: Mapping[str, str]


class Worker:
    """One process's share; `take` gets what is handed over."""

    def __init__(self, domain: str, window: int, take: Callable[[Stored], None]) -> None:
        self.domain = domain
        self.window = window
        self.take = take


class MemoryQueue:
    def __init__(self) -> None:
        self._stored: dict[int, Stored] = {}
        self._ready: defaultdict[str, deque[int]] = defaultdict(deque)
        self._handed: dict[int, Worker] = {}
        self._workers: defaultdict[str, deque[Worker]] = defaultdict(deque)
        self._numbers = itertools.count(1)

    def store(self, subject: str, body: bytes, headers: Mapping[str, str]) -> int:
        number = next(self._numbers)
        self._stored[number] = Stored(number, subject, body, headers)
        domain = subject.split(".")[1]
        self._ready[domain].append(number)
        self._hand_over(domain)
        return number

    def join(self, worker: Worker) -> None:
        self._workers[worker.domain].append(worker)
        self._hand_over(worker.domain)

    def leave(self, worker: Worker) -> None:
        """The worker gets no more; what it has can still be acknowledged."""
        if worker in self._workers[worker.domain]:
            self._workers[worker.domain].remove(worker)

    def lose(self, worker: Worker) -> None:
        """The worker is gone, and what it had not acknowledged goes to others."""
        self.leave(worker)
        for number in [n for n, holder in self._handed.items() if holder is worker]:
            self.retry(number)

    def acknowledge(self, number: int) -> None:
        stored = self._stored.pop(number, None)
        self._handed.pop(number, None)
        if stored is not None:
            self._hand_over(stored.subject.split(".")[1])

    def retry(self, number: int) -> None:
        if number in self._stored and self._handed.pop(number, None) is not None:
            domain = self._stored[number].subject.split(".")[1]
            self._ready[domain].append(number)
            self._hand_over(domain)

    def _hand_over(self, domain: str) -> None:
        ready, workers = self._ready[domain], self._workers[domain]
        while ready and workers and self._under_way(domain) < workers[0].window:
            number = ready.popleft()
            if number not in self._stored:
                continue
            worker = workers[0]
            workers.rotate(-1)
            self._handed[number] = worker
            asyncio.get_running_loop().call_soon(worker.take, self._stored[number])

    def _under_way(self, domain: str) -> int:
        return sum(1 for worker in self._handed.values() if worker.domain == domain)
