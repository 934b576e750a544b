"""The broker on NATS ≥ 2.12. Each concern has a file of its own beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from bus.broker import frames, routed
from bus.broker.connection import Connection
from bus.broker.gathering import Complete, gathered
from bus.broker.inbound import Inbound, Tally, hand_over
from bus.broker.listeners import Listeners
from bus.broker.micro import Micro
from bus.broker.port import (
    Endpoint,
    Handler,
    Outgoing,
    Reply,
    Serving,
    StreamMessage,
    StreamState,
    Submission,
    Subscriber,
)
from bus.broker.stream_reader import StreamReader
from bus.broker.streams import Streams, StreamSettings
from bus.broker.submissions import Submissions

FULL = 8 * 1024 * 1024
"""Bytes that wait for the server from which on it is waited for before more is published."""

_TEXT = ("utf-8", "surrogateescape")
"""How a subject is read, whatever it holds."""


class NatsBroker:
    """bus.broker.port.Broker.

    `url` names one server or several, separated by commas; user and password, or a token,
    may be part of it. `options` (credentials, TLS) go to `nats.connect` as they are.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "trueup",
        streams: StreamSettings | None = None,
        **options: Any,
    ) -> None:
        self._connection = Connection(url, name, options)
        self._streams = Streams(self._connection, streams or StreamSettings())
        self._listeners: dict[str, Listeners] = {}

    @property
    def max_payload(self) -> int:
        return self._connection.max_payload

    @property
    def reconnects(self) -> int:
        return self._connection.reconnects

    @property
    def dropped_replies(self) -> int:
        """Answers that went nowhere: to no inbox, or into a full buffer."""
        return self._connection.dropped_replies

    async def open(self) -> None:
        await self._connection.open()

    async def close(self) -> None:
        await self._connection.close()

    async def ensure_stream(self, domain: str, first: int = 1) -> StreamState:
        return await self._streams.ensure_domain(domain, first)

    async def delete_stream(self, domain: str) -> None:
        await self._streams.delete(domain.upper())

    async def stream_state(self, domain: str) -> StreamState:
        return await self._streams.state(domain.upper())

    async def stream_get(self, domain: str, sequence: int) -> bytes | None:
        return await self._streams.get(domain.upper(), sequence)

    async def publish_run(self, domain: str, after: int, run: Sequence[Outgoing]) -> None:
        await routed.publish_run(self._connection, self._streams, domain.upper(), after, run)

    def read_stream(
        self, domain: str, after: int, batch: int = 1000
    ) -> AsyncIterator[Sequence[StreamMessage]]:
        return StreamReader(self._connection, self._streams, domain.upper(), after, batch).batches()

    async def serve(
        self, name: str, description: str, version: str, endpoints: Sequence[Endpoint]
    ) -> Serving:
        micro = Micro(name, description, version, endpoints)
        await micro.start(self._subscribe)
        return micro

    async def subscribe(self, subject: str, handler: Handler, queue: str | None = None) -> Serving:
        return await self._subscribe(subject, handler, queue, None)

    async def request(
        self,
        subject: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Reply:
        answer = await self._connection.request(
            subject, body, frames.encode_headers(headers), timeout
        )
        return Reply(answer.body, frames.decode_headers(answer.headers))

    async def gather(
        self,
        subject: str,
        window: float,
        complete: Complete = lambda _: False,
        *,
        least: float = 0.0,
    ) -> Sequence[bytes]:
        """All answers to an empty request within `window` seconds, or until they are `complete`;
        but `least` seconds pass, for those whom nobody knows of. Raises BrokerUnavailable.

        For those who look at a mesh from outside: the kernel asks nobody but one.
        """
        return await gathered(self._connection, subject, window, complete, least)

    async def publish(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        if self._connection.wire.unsent > FULL:
            await self._connection.flush()
        self._connection.publish(subject, body, frames.encode_headers(headers))

    async def listeners(self, pattern: str) -> Collection[Subscriber]:
        asked = self._listeners.setdefault(pattern, Listeners(self._connection, pattern))
        return await asked.now()

    async def ensure_submissions(self) -> None:
        await self._streams.ensure_submissions()

    async def submissions(
        self, domain: str, handler: Callable[[Submission], Awaitable[None]], window: int = 256
    ) -> Serving:
        submissions = Submissions(self._connection, self._streams, domain, handler, window)
        await submissions.start()
        return submissions

    async def _subscribe(
        self, subject: str, handler: Handler, queue: str | None, tally: Tally | None
    ) -> Serving:
        outlet = self._connection

        def take(subject: bytes, reply: bytes, body: bytes, headers: bytes | None) -> None:
            found = frames.decode_headers(headers) if headers else frames.NO_HEADERS
            asked, inbox = subject.decode(*_TEXT), reply.decode(*_TEXT)
            hand_over(handler, Inbound(outlet, asked, body, found, inbox, tally=tally))

        return _Listening(outlet, await outlet.listen(subject, take, queue or ""))


class _Listening:
    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._number = number

    async def stop(self) -> None:
        await self._connection.unlisten(self._number)
