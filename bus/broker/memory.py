"""The broker in memory: the same rules as on NATS, at rest within milliseconds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

from bus.broker import frames
from bus.broker.inbound import Inbound, Tally, hand_over
from bus.broker.memory_link import MemoryLink
from bus.broker.memory_server import EXPECTED, Interest, MemoryServer, Message
from bus.broker.memory_submissions import MemorySubmissions
from bus.broker.micro import Micro
from bus.broker.port import (
    Endpoint,
    Handler,
    MessageTooLarge,
    NoResponders,
    Outgoing,
    Reply,
    Serving,
    StreamMessage,
    StreamState,
    Submission,
    Subscriber,
    WrongSequence,
)


class MemoryBroker:
    """bus.broker.port.Broker: one connection to the server in `shared`.

    `disconnect` and `reconnect` do what a bad network does.
    """

    def __init__(self, shared: MemoryServer | None = None) -> None:
        self._server = shared or MemoryServer()
        self._link = MemoryLink(self._server)

    @property
    def max_payload(self) -> int:
        return self._server.max_payload

    @property
    def reconnects(self) -> int:
        return self._link.reconnects

    @property
    def dropped_replies(self) -> int:
        """Answers that went nowhere, because they were to go to no inbox."""
        return self._link.dropped_replies

    def disconnect(self) -> None:
        self._link.go_down()

    def reconnect(self) -> None:
        self._link.come_back()

    async def open(self) -> None:
        self._link.open()

    async def close(self) -> None:
        self._link.close()

    async def ensure_stream(self, domain: str, first: int = 1) -> StreamState:
        await self._link.use()
        return self._server.ensure_stream(domain, first).state

    async def delete_stream(self, domain: str) -> None:
        await self._link.use()
        self._server.drop(domain)

    async def stream_state(self, domain: str) -> StreamState:
        await self._link.use()
        return self._server.stream(domain).state

    async def stream_get(self, domain: str, sequence: int) -> bytes | None:
        await self._link.use()
        return self._server.stream(domain).get(sequence)

    async def publish_run(self, domain: str, after: int, run: Sequence[Outgoing]) -> None:
        for outgoing in run:
            self._check(outgoing.subject, outgoing.body, {EXPECTED: str(after + len(run))})
        await self._link.use()
        stream = self._server.stream(domain)
        taken = True
        for expected, (subject, body) in enumerate(run, start=after):
            taken &= stream.state.last == expected
            self._server.send(subject, body, {EXPECTED: str(expected)})
        if not taken:
            raise WrongSequence(stream.state.last)

    async def read_stream(
        self, domain: str, after: int, batch: int = 1000
    ) -> AsyncIterator[Sequence[StreamMessage]]:
        last, at_end = after, False
        while True:
            await self._link.up()
            stream = self._server.stream(domain)
            if messages := stream.after(last, batch):
                last, at_end = messages[-1].sequence, False
                yield messages
            elif not at_end:
                at_end = True
                yield ()
            else:
                await self._link.change(stream.readers)

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
        self._check(subject, body, headers)
        await self._link.use()
        inbox, answer = self._link.expect()
        try:
            if not self._server.send(subject, body, headers, inbox):
                raise NoResponders(f"nobody serves {subject}")
            return await self._link.answer_within(timeout, answer, subject)
        finally:
            answer.cancel()

    async def publish(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self._check(subject, body, headers)
        await self._link.use()
        self._server.send(subject, body, headers)

    async def listeners(self, pattern: str) -> Collection[Subscriber]:
        await self._link.use()
        return self._server.listeners(pattern)

    async def ensure_submissions(self) -> None:
        await self._link.use()
        self._server.ensure_submissions()

    async def submissions(
        self, domain: str, handler: Callable[[Submission], Awaitable[None]], window: int = 256
    ) -> Serving:
        await self._link.use()
        queue = self._server.ensure_submissions()
        return MemorySubmissions(self._link, queue, domain, handler, window)

    async def _subscribe(
        self, subject: str, handler: Handler, queue: str | None, tally: Tally | None
    ) -> Serving:
        await self._link.use()

        def take(message: Message) -> None:
            hand_over(handler, Inbound(self._link, *message, tally=tally))

        return self._link.listen(Interest(subject, queue, take))

    def _check(self, subject: str, body: bytes, headers: Mapping[str, str] | None) -> None:
        """As a connection to a server does."""
        frames.check_subject(subject)
        size = len(body) + len(frames.encode_headers(headers))
        if size > self.max_payload:
            raise MessageTooLarge(size, self.max_payload)
