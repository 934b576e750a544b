"""Reads a stream in order, fast, and for ever: through stalls, reconnects, lost consumers.

The consumer is ephemeral and counts for nothing: whenever anything looks odd, another one is
made that starts behind the last message that arrived here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence

from bus.broker import delivery, ephemeral
from bus.broker.connection import Connection
from bus.broker.ephemeral import Ephemeral
from bus.broker.port import BrokerUnavailable, StreamMessage
from bus.broker.pulls import Pulls, Stall
from bus.broker.stream_end import StreamEnd
from bus.broker.streams import Streams
from bus.broker.waiting import within

_LEAST_WINDOW = 256
_MOST_BYTES = 16 * 1024 * 1024
_TICK = 1.0
_PAUSE = 0.2


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
        self._end = StreamEnd(streams, stream, self._wake)
        self._pulls: Pulls | None = None
        self._consumer: Ephemeral | None = None
        self._number = 0
        self._pending = 0
        self._stall = Stall()

    async def batches(self) -> AsyncIterator[Sequence[StreamMessage]]:
        """As the port's `read_stream` says."""
        at_end = False
        try:
            while True:
                if self._arrived:
                    at_end = False
                    yield self._next_batch()
                elif not at_end and await self._ended():
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

    async def _ended(self) -> bool:
        """Whether all that was stored by now has arrived. Raises StreamMissing."""
        if self._consumer is None or self._pending:
            return False
        if not self._consumer.clustered:
            return True
        last = self._last
        ended = await self._end.lies_at(last)
        if ended is False and self._last == last:
            self._pending = 1  # at least; should it never come, that is a stall
        return ended is True

    async def _more(self) -> None:
        """Returns when something has changed, after a tick at the latest."""
        pulls = self._pulls
        if pulls is None or pulls.broken or pulls.silent() or self._stalled(pulls):
            await self._start_over()
        elif pulls.expired:
            pulls.expired = False
            await self._look(pulls)
            self._ask()
        elif not self._arrived:
            self._wake.clear()
            await within(_TICK, self._wake)

    def _stalled(self, pulls: Pulls) -> bool:
        return self._stall.lasts(self._last, bool(self._pending and pulls.awaited))

    async def _look(self, pulls: Pulls) -> None:
        """After a long rest: does the stream hold what the consumer says nothing of?"""
        with contextlib.suppress(BrokerUnavailable):
            if await self._streams.holds_more(self._stream, self._last):
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
        made = await ephemeral.create(self._connection, self._stream, self._last)
        self._consumer = made
        self._number = 0
        self._pending = made.pending
        self._stall = Stall()
        self._pulls = Pulls(self._connection, self._stream, made.name, self._take, self._wake)
        self._ask()

    def _ask(self) -> None:
        if self._pulls is None or self._bytes > _MOST_BYTES:
            return
        room = self._window - self._pulls.awaited - len(self._arrived)
        if room >= self._window // 2:
            self._pulls.ask(room)

    def _take(self, subject: bytes, reply: bytes, body: bytes, _: bytes | None) -> None:
        sequence, number, _stored, pending = delivery.parse(reply)
        self._wake.set()
        if number != self._number + 1:
            if self._pulls is not None:
                self._pulls.broken = True  # something got lost on the way here
            return
        self._number, self._pending = number, pending
        if sequence <= self._last:  # the consumer's replica has yet to get as far as we are
            self._ask()
            return
        self._last = sequence
        self._bytes += len(body)
        self._arrived.append(StreamMessage(sequence, subject.decode(), body))

    def _leave(self) -> None:
        if self._pulls is not None:
            self._pulls.close()
            self._pulls = None
        if self._consumer is not None:
            ephemeral.drop(self._connection, self._stream, self._consumer.name)
            self._consumer = None
