"""A process's share of the work queue in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from bus.broker.memory_link import MemoryLink
from bus.broker.memory_queue import MemoryQueue, Stored, Worker
from bus.broker.port import BrokerUnavailable, Submission

_log = structlog.get_logger("bus.broker")


class MemorySubmission:
    """bus.broker.port.Submission."""

    def __init__(self, link: MemoryLink, queue: MemoryQueue, stored: Stored) -> None:
        self.subject = stored.subject
        self.body = stored.body
        self.headers = stored.headers
        self.reply = ""
        self.token = f"{stored.number}-0"
        self._number = stored.number
        self._link = link
        self._queue = queue

    def respond(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Whoever submitted has had their answer: it is stored."""

    async def ack(self) -> None:
        await self._link.use()
        self._queue.acknowledge(self._number)

    async def retry(self, after: float) -> None:
        await self._link.use()
        self._queue.retry(self._number)


class MemorySubmissions:
    def __init__(
        self,
        link: MemoryLink,
        queue: MemoryQueue,
        domain: str,
        handler: Callable[[Submission], Awaitable[None]],
        window: int,
    ) -> None:
        self._link = link
        self._queue = queue
        self._handler = handler
        self._worker = Worker(domain, window, self._take)
        self._handling: set[asyncio.Task[None]] = set()
        link.attach(self)

    def came_back(self) -> None:
        self._queue.join(self._worker)

    def went_down(self) -> None:
        self._queue.lose(self._worker)

    async def stop(self) -> None:
        """Takes no more; what was handed over can still be acknowledged."""
        self._queue.leave(self._worker)

    def _take(self, stored: Stored) -> None:
        task = asyncio.ensure_future(self._handle(stored))
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    async def _handle(self, stored: Stored) -> None:
        try:
            await self._handler(MemorySubmission(self._link, self._queue, stored))
        except BrokerUnavailable:
            return  # it comes again, because nobody has acknowledged it
        except Exception:
            _log.exception("a submission could not be handled", subject=stored.subject)
            self._queue.retry(stored.number)
