"""One connection to NATS: comes back by itself, and waits for nothing without a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog

from bus.broker import frames, opening
from bus.broker.inbox import Answer, Inbox
from bus.broker.incoming import Listener
from bus.broker.port import BrokerUnavailable, MessageTooLarge, NoResponders
from bus.broker.waiting import within
from bus.broker.wire import Wire

_FLUSH_SECONDS = 2.0
_log = structlog.get_logger("bus.broker")


class Connection:
    """`url` may name several servers, separated by commas; `options` go to nats-py."""

    def __init__(self, url: str, name: str, options: Mapping[str, Any]) -> None:
        self._url = url
        self._options = {"name": name, **options}
        self._up = asyncio.Event()
        self._watchers: set[Callable[[], None]] = set()
        self.where = opening.without_passwords(url)
        self.wire = Wire()
        self.inbox = Inbox("")
        self.closed = False
        self.reconnects = 0
        self.dropped_replies = 0

    @property
    def max_payload(self) -> int:
        return self.wire.max_payload

    async def open(self) -> None:
        """Raises BrokerUnavailable."""
        await opening.connect(
            self.wire, self._url, self._options, self._disconnected, self._reconnected
        )
        self.inbox = Inbox(self.wire.new_inbox())
        self.wire.listen(f"{self.inbox.prefix}.*", self.inbox.take)
        self._up.set()

    async def close(self) -> None:
        """Sends what is queued, if the server still takes it."""
        if self.closed:
            return
        if not await self.flush():
            self.wire.discard()
        self.closed = True
        self._lose("closed")
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self.wire.close()
        except (OSError, TimeoutError):  # it broke in that very moment, or takes no bytes
            _log.warning("the NATS server did not take all that was sent", at=self.where)

    async def flush(self) -> bool:
        """Whether the server has taken, and passed on, all that was sent before."""
        if self.closed or not self._up.is_set():
            return False
        reply, echo = self.inbox.expect()
        self.wire.send(frames.frame(reply, b""))
        await asyncio.wait([echo], timeout=_FLUSH_SECONDS)
        return not echo.cancel() and echo.exception() is None

    async def connected(self, timeout: float) -> None:
        """Raises BrokerUnavailable where the connection does not come back in time."""
        if not self._up.is_set() and not self.closed:
            await within(timeout, self._up)
        self._check_up()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Calls `watcher` when the connection breaks, is back or is closed, until the
        function that this returns is called."""
        self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    def check(self, subject: str, body: bytes, headers: bytes) -> None:
        """Raises ValueError (MessageTooLarge) for what makes a server close the connection."""
        self.check_run([(subject, body)], len(headers))

    def check_run(self, run: Iterable[tuple[str, bytes]], headers: int) -> None:
        """As `check`, for several with as many bytes of headers each."""
        limit = self.max_payload
        for subject, body in run:
            frames.check_subject(subject)
            if len(body) + headers > limit:
                raise MessageTooLarge(len(body) + headers, limit)

    def publish(self, subject: str, body: bytes, headers: bytes = b"", reply: str = "") -> None:
        """Queues a message. Raises BrokerUnavailable, and ValueError like `check`."""
        self.check(subject, body, headers)
        self.send(frames.frame(subject, body, headers, reply))

    def send(self, data: bytes) -> None:
        """Queues frames. Raises BrokerUnavailable."""
        self._check_up()
        self.wire.send(data)

    async def request(
        self, subject: str, body: bytes = b"", headers: bytes = b"", timeout: float = 5.0
    ) -> Answer:
        """Raises NoResponders; BrokerUnavailable; ValueError like `check`."""
        await self.connected(timeout)
        reply, answer = self.inbox.expect()
        try:
            self.publish(subject, body, headers, reply)
            async with asyncio.timeout(timeout):
                answered = await answer
        except TimeoutError:
            raise BrokerUnavailable(f"no answer at {subject} within {timeout:g} s") from None
        finally:
            answer.cancel()
        if not answered.body and frames.decode_status(answered.headers).code == 503:
            raise NoResponders(f"nobody serves {subject}")
        return answered

    def answer(self, reply: str, body: bytes, headers: bytes) -> None:
        """Queues an answer to somebody's request, also while disconnected."""
        if self.closed or self.wire.unsent > opening.MAX_UNSENT:
            self.dropped_replies += 1
            return
        self.wire.send(frames.frame(reply, body, headers))

    async def listen(self, subject: str, listener: Listener, queue: str = "") -> int:
        """Returns when the server knows of it. Raises BrokerUnavailable."""
        self._check_up()
        number = self.wire.listen(subject, listener, queue)
        await self.flush()
        return number

    async def unlisten(self, number: int) -> None:
        """Returns when no message for the listener is on its way any more."""
        self.wire.stop(number)
        await self.flush()
        self.wire.forget(number)

    def _check_up(self) -> None:
        if self.closed or not self._up.is_set() or self.wire.unsent > opening.MAX_UNSENT:
            raise BrokerUnavailable(f"NATS can't be reached at {self.where}")

    async def _disconnected(self) -> None:
        if self._up.is_set():
            _log.warning("lost the connection to NATS", at=self.where)
            self._lose("the connection broke")

    async def _reconnected(self) -> None:
        self.reconnects += 1
        self._up.set()
        _log.info("connected to NATS again", at=self.where, reconnects=self.reconnects)
        self._tell()

    def _lose(self, why: str) -> None:
        self._up.clear()
        self.inbox.fail(BrokerUnavailable(f"NATS at {self.where}: {why}"))
        self._tell()

    def _tell(self) -> None:
        for watcher in list(self._watchers):
            watcher()
