"""The pull requests of one consumer that are under way, and what the server says of them.

https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-37.md
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import msgspec

from bus.broker import delivery, frames, jetstream
from bus.broker.connection import Connection
from bus.broker.port import BrokerUnavailable

Take = Callable[[bytes, bytes, bytes, bytes | None], None]

_EXPIRES = 30.0
_HEARTBEAT = 1.0
SILENCE = 4.0
"""Seconds without a message or a heartbeat after which a consumer is given up."""

_NANO = 1_000_000_000
_HEARD, _EXPIRED = 100, 408
_REQUEST_OVER = re.compile("Batch Completed|MaxBytes", re.IGNORECASE)
"""A request with `max_bytes` is over; every other 409 is about the consumer."""


class Pulls:
    """Requests overlap: the next is on its way while the last one's messages arrive.

    `take` gets the messages. `awaited` is how many of the messages asked for are still to
    come. `broken` says that the consumer must be made again, `expired` that a request got
    less than it asked for; `wake` is set with either.
    """

    def __init__(
        self, connection: Connection, stream: str, consumer: str, take: Take, wake: asyncio.Event
    ) -> None:
        self._connection = connection
        self._next = f"{jetstream.API}.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._take = take
        self._wake = wake
        self._inbox = connection.wire.new_inbox()
        self._number = connection.wire.listen(self._inbox, self._listen)
        self._unwatch = connection.watch(self._break)
        self._heard = 0.0
        self._any = True
        self._most_bytes = max(16 * 1024 * 1024, 2 * connection.max_payload)
        self.awaited = 0
        self.broken = False
        self.expired = False

    def ask(self, messages: int) -> None:
        question = msgspec.json.encode(
            {
                "batch": messages,
                "max_bytes": self._most_bytes,
                "expires": int(_EXPIRES * _NANO),
                "idle_heartbeat": int(_HEARTBEAT * _NANO),
            }
        )
        try:
            self._connection.publish(self._next, question, reply=self._inbox)
        except BrokerUnavailable:
            self._break()
            return
        self._any = self._any or self.awaited == 0
        self.awaited += messages

    def silent(self) -> bool:
        """Whether nothing has come for too long; to be asked every second or so."""
        now = asyncio.get_running_loop().time()
        if self._any or self.awaited == 0:
            self._any = False
            self._heard = now
        return now - self._heard > SILENCE

    def close(self) -> None:
        self._unwatch()
        self._connection.wire.forget(self._number)

    async def drain(self) -> None:
        """Like `close`, but takes the messages that are on their way already."""
        self._unwatch()
        await self._connection.unlisten(self._number)

    def _listen(self, subject: bytes, reply: bytes, body: bytes, headers: bytes | None) -> None:
        self._any = True
        if reply.startswith(delivery.PREFIX):
            self.awaited -= 1
            self._take(subject, reply, body, headers)
        elif headers is not None and not body:
            self._told(frames.decode_status(headers))

    def _told(self, status: frames.Status) -> None:
        if status.code == _HEARD:
            return
        unserved = status.headers.get("Nats-Pending-Messages", "")
        if unserved.isdigit() and status.code == _EXPIRED:
            self.expired = True
            self.awaited -= int(unserved)
        elif unserved.isdigit() and _REQUEST_OVER.search(status.text):
            self.awaited -= int(unserved)
        else:
            self.broken = True
        self._wake.set()

    def _break(self) -> None:
        self.broken = True
        self._wake.set()


class Stall:
    """Heartbeats come, but not the messages that are said to be there."""

    def __init__(self) -> None:
        self._seen = -1
        self._moved = 0.0

    def lasts(self, last: int, expected: bool) -> bool:
        """Whether more is `expected` behind `last`, but nothing has come for too long; to be
        asked every second or so."""
        now = asyncio.get_running_loop().time()
        if self._seen != last or not expected:
            self._seen, self._moved = last, now
        return now - self._moved > SILENCE
