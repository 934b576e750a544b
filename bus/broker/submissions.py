"""Commands from the work queue: each comes again until it is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from bus import subjects
from bus.broker import frames, jetstream
from bus.broker.connection import Connection
from bus.broker.port import BrokerUnavailable, StreamMissing, Submission
from bus.broker.pulls import Pulls
from bus.broker.streams import Streams
from bus.broker.submission import ACK_WAIT, StoredSubmission
from bus.broker.waiting import within

_NANO = 1_000_000_000
_IN_PROGRESS_EVERY = 10.0
_TICK = 1.0
_PAUSE = 0.2
_AFTER_A_FAULT = 1.0
_log = structlog.get_logger("bus.broker")


class Submissions:
    """One process's share of a domain's submissions."""

    def __init__(
        self,
        connection: Connection,
        streams: Streams,
        domain: str,
        handler: Callable[[Submission], Awaitable[None]],
        window: int,
    ) -> None:
        self._connection = connection
        self._streams = streams
        self._domain = domain
        self._handler = handler
        self._window = window
        self._handled: dict[asyncio.Task[None], StoredSubmission] = {}
        self._wake = asyncio.Event()
        self._pulls: Pulls | None = None
        self._said = 0.0
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises BrokerUnavailable."""
        await self._open()
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Takes no more; what was handed over can still be acknowledged."""
        if self._running is not None:
            self._running.cancel()
        if self._pulls is not None:
            await self._pulls.drain()

    async def _run(self) -> None:
        while not self._connection.closed:
            pulls = self._pulls
            if pulls is None or pulls.broken or pulls.silent():
                await self._start_over()
                continue
            self._ask(pulls)
            self._wake.clear()
            await within(_TICK, self._wake)
            self._say_in_progress()

    def _ask(self, pulls: Pulls) -> None:
        room = self._window - pulls.awaited - len(self._handled)
        if room > 0 and room >= self._window // 4:
            pulls.ask(room)

    async def _start_over(self) -> None:
        if self._pulls is not None:
            self._pulls.close()
            self._pulls = None
        try:
            await self._open()
        except BrokerUnavailable as error:
            _log.warning("no submissions for the moment", domain=self._domain, why=str(error))
            await asyncio.sleep(_PAUSE)

    async def _open(self) -> None:
        try:
            consumer = await self._ensure_consumer()
        except StreamMissing:
            await self._streams.ensure_submissions()
            consumer = await self._ensure_consumer()
        self._pulls = Pulls(
            self._connection, subjects.SUBMISSIONS, consumer, self._take, self._wake
        )

    async def _ensure_consumer(self) -> str:
        name = f"submissions-{self._domain}"
        config: dict[str, Any] = {
            "durable_name": name,
            "name": name,
            "filter_subject": f"submit.{self._domain}.>",
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": ACK_WAIT * _NANO,
            "max_deliver": -1,
            "max_ack_pending": self._window,
        }
        verb = f"CONSUMER.DURABLE.CREATE.{subjects.SUBMISSIONS}.{name}"
        question = {"stream_name": subjects.SUBMISSIONS, "config": config}
        await jetstream.call(self._connection, verb, subjects.SUBMISSIONS, question)
        return name

    def _take(self, subject: bytes, reply: bytes, body: bytes, headers: bytes | None) -> None:
        found = frames.decode_headers(headers) if headers else frames.NO_HEADERS
        submission = StoredSubmission(self._connection, subject, reply, body, found)
        task = asyncio.ensure_future(self._handle(submission))
        self._handled[task] = submission
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._handled[task]
        self._wake.set()

    async def _handle(self, submission: StoredSubmission) -> None:
        try:
            await self._handler(submission)
        except BrokerUnavailable:
            return  # it comes again, because nobody has acknowledged it
        except Exception:
            _log.exception("a submission could not be handled", subject=submission.subject)
            with contextlib.suppress(BrokerUnavailable):
                await submission.retry(_AFTER_A_FAULT)

    def _say_in_progress(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._said >= _IN_PROGRESS_EVERY:
            self._said = now
            for submission in self._handled.values():
                submission.in_progress()
