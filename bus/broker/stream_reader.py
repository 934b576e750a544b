"""Reads a stream in order, fast, and for ever: through stalls, reconnects, lost consumers.

The consumer is ephemeral and counts for nothing: whenever anything looks odd, another one is
made that starts behind the last message that arrived here.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence

from bus.broker import delivery, jetstream
from bus.broker.connection import Connection
from bus.broker.port import BrokerUnavailable, StreamMessage
from bus.broker.pulls import SILENCE, Pulls
from bus.broker.streams import Streams
from bus.broker.waiting import within

_LEAST_WINDOW = 256
_MOST_BYTES = 16 * 1024 * 1024
_TICK = 1.0
_PAUSE = 0.2
_UNUSED_AFTER = 60_000_000_000
"""Nanoseconds after which the server drops a consumer that nobody asks."""


class StreamReader:
    def __init__(
        self, connection: Connection, streams: Streams, stream: str, after: int, batch: int
    ) -> None:
        self._connection = connection
        self._streams = streams
        self._stream = stream
        self._last = after
        self._batch = batch
        self._window = max(4 * batch, _LEAST_WINDOW)
        self._arrived: deque[StreamMessage] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._pulls: Pulls | None = None
        self._consumer = ""
        self._number = 0
        self._pending = 0
        self._seen = -1
        self._moved = 0.0

    async def batches(self) -> AsyncIterator[Sequence[StreamMessage]]:
        """As the port's `read_stream` says."""
        at_end = False
        try:
            while True:
                if self._arrived:
                    at_end = False
                    yield self._next_batch()
                elif self._pulls is not None and self._pending == 0 and not at_end:
                    at_end = True
                    yield ()
                else:
                    await self._more()
        finally:
            self._leave()

    def _next_batch(self) -> Sequence[StreamMessage]:
        count = min(self._batch, len(self._arrived))
        taken = [self._arrived.popleft() for _ in range(count)]
        self._bytes -= sum(len(message.body) for message in taken)
        self._ask()
        return taken

    async def _more(self) -> None:
        """Returns when something has changed, after a tick at the latest."""
        pulls = self._pulls
        if pulls is None or pulls.broken or pulls.silent() or self._stalled(pulls):
            await self._start_over()
        elif pulls.expired:
            pulls.expired = False
            await self._look(pulls)
            self._ask()
        else:
            self._wake.clear()
            await within(_TICK, self._wake)

    def _stalled(self, pulls: Pulls) -> bool:
        """Heartbeats come, but not the messages that are said to be there."""
        now = asyncio.get_running_loop().time()
        if self._seen != self._last or self._pending == 0 or pulls.awaited == 0:
            self._seen, self._moved = self._last, now
        return now - self._moved > SILENCE

    async def _look(self, pulls: Pulls) -> None:
        """After a long rest: does the stream hold what the consumer says nothing of?"""
        with contextlib.suppress(BrokerUnavailable):
            if (await self._streams.state(self._stream)).last > self._last:
                pulls.broken = not self._arrived

    async def _start_over(self) -> None:
        self._leave()
        try:
            await self._make_consumer()
        except BrokerUnavailable:
            if self._connection.closed:
                raise
            await asyncio.sleep(_PAUSE)

    async def _make_consumer(self) -> None:
        self._consumer = f"reader-{secrets.token_hex(8)}"
        verb = f"CONSUMER.CREATE.{self._stream}.{self._consumer}"
        config = {
            "name": self._consumer,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._last + 1,
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": _UNUSED_AFTER,
        }
        question = {"stream_name": self._stream, "config": config}
        made = await jetstream.call(self._connection, verb, self._stream, question)
        self._number = 0
        self._pending = made["num_pending"]
        self._seen = -1
        self._pulls = Pulls(self._connection, self._stream, self._consumer, self._take, self._wake)
        self._ask()

    def _ask(self) -> None:
        if self._pulls is None or self._bytes > _MOST_BYTES:
            return
        room = self._window - self._pulls.awaited - len(self._arrived)
        if room >= self._window // 2:
            self._pulls.ask(room)

    def _take(self, subject: bytes, reply: bytes, body: bytes, _: bytes | None) -> None:
        sequence, number, _stored, pending = delivery.parse(reply)
        if number != self._number + 1 or sequence <= self._last:
            if self._pulls is not None:
                self._pulls.broken = True  # something got lost on the way here
        else:
            self._number, self._last, self._pending = number, sequence, pending
            self._bytes += len(body)
            self._arrived.append(StreamMessage(sequence, subject.decode(), body, pending))
        self._wake.set()

    def _leave(self) -> None:
        if self._pulls is not None:
            self._pulls.close()
            self._pulls = None
        if self._consumer:
            self._drop(self._consumer)
            self._consumer = ""

    def _drop(self, consumer: str) -> None:
        """Nobody waits for the answer: an unused consumer goes by itself, only later."""
        with contextlib.suppress(BrokerUnavailable):
            self._connection.publish(
                f"{jetstream.API}.CONSUMER.DELETE.{self._stream}.{consumer}",
                b"",
                reply=f"{self._connection.inbox.prefix}.nobody",
            )
