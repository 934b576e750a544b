"""A connection to the server in memory, which can break like a real one."""

from __future__ import annotations

import asyncio
from typing import Protocol

from bus.broker import frames
from bus.broker.memory_server import Interest, MemoryServer, Message
from bus.broker.port import BrokerUnavailable, Reply, Serving


class Attached(Protocol):
    """What lives on a connection."""

    def went_down(self) -> None: ...

    def came_back(self) -> None: ...


class MemoryLink:
    """bus.broker.inbound.Outlet, and what a connection keeps: interests, awaited answers."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._up = False
        self._closed = False
        self._attached: list[Attached] = []
        self._awaited: set[asyncio.Future[Reply]] = set()
        self._unsent: list[tuple[str, bytes, bytes]] = []
        self._changes: set[asyncio.Event] = set()
        self.reconnects = 0
        self.dropped_replies = 0

    @property
    def max_payload(self) -> int:
        return self._server.max_payload

    def open(self) -> None:
        self._up = True

    def close(self) -> None:
        self._closed = True
        self.go_down()
        self._attached.clear()

    def go_down(self) -> None:
        self._up = False
        for attached in self._attached:
            attached.went_down()
        for answer in list(self._awaited):
            if not answer.done():
                answer.set_exception(BrokerUnavailable("the connection broke"))
                answer.exception()  # it may be that nobody looks at it any more
        self._tell()

    def come_back(self) -> None:
        self._up = True
        self.reconnects += 1
        for attached in self._attached:
            attached.came_back()
        for reply, body, headers in self._unsent:
            self.answer(reply, body, headers)
        self._unsent.clear()
        self._tell()

    async def use(self) -> None:
        """One turn of the loop, as everything over a network takes. Raises BrokerUnavailable."""
        await asyncio.sleep(0)
        if not self._up:
            raise BrokerUnavailable("the server in memory is not connected")

    async def up(self) -> None:
        """Returns once connected. Raises BrokerUnavailable when closed."""
        while not self._up:
            if self._closed:
                raise BrokerUnavailable("the connection is closed")
            await self.change(set())

    async def change(self, events: set[asyncio.Event]) -> None:
        """Returns when whoever holds `events` sets them, or when the connection changes."""
        woken = asyncio.Event()
        events.add(woken)
        self._changes.add(woken)
        try:
            await woken.wait()
        finally:
            events.discard(woken)
            self._changes.discard(woken)

    def listen(self, interest: Interest) -> Serving:
        listening = _Listening(self, self._server, interest)
        self.attach(listening)
        return listening

    def attach(self, attached: Attached) -> None:
        self._attached.append(attached)
        attached.came_back()

    def detach(self, attached: Attached) -> None:
        if attached in self._attached:
            self._attached.remove(attached)

    def expect(self) -> tuple[str, asyncio.Future[Reply]]:
        """An inbox and the one answer that comes to it."""
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def take(message: Message) -> None:
            if not answer.done():
                answer.set_result(Reply(message.body, message.headers))

        def over(_: asyncio.Future[Reply]) -> None:
            self._server.remove(interest)
            self._awaited.discard(answer)

        interest = Interest(self._server.inbox(), None, take)
        self._server.add(interest)
        self._awaited.add(answer)
        answer.add_done_callback(over)
        return interest.pattern, answer

    async def answer_within(
        self, seconds: float, answer: asyncio.Future[Reply], subject: str
    ) -> Reply:
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise BrokerUnavailable(f"no answer at {subject} within {seconds:g} s") from None

    def answer(self, reply: str, body: bytes, headers: bytes) -> None:
        if self._up:
            self._server.send(reply, body, frames.decode_headers(headers))
        else:
            self._unsent.append((reply, body, headers))

    def _tell(self) -> None:
        for event in list(self._changes):
            event.set()


class _Listening:
    """A subscription for as long as it is wanted and the connection is there."""

    def __init__(self, link: MemoryLink, server: MemoryServer, interest: Interest) -> None:
        self._link = link
        self._server = server
        self._interest = interest

    def came_back(self) -> None:
        self._server.add(self._interest)

    def went_down(self) -> None:
        self._server.remove(self._interest)

    async def stop(self) -> None:
        self._link.detach(self)
        self._server.remove(self._interest)
        await asyncio.sleep(0)  # what was sent before has been handed over
