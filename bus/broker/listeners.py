"""Who subscribes to what, as the servers say it of the connections of one's own account.

Each server answers for the clients that are connected to it:
https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#connection-information
(`filter_subject` picks the connections that have a subscription which overlaps it).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from bus import subjects
from bus.broker import frames
from bus.broker.connection import Connection
from bus.broker.port import BrokerUnavailable, Subscriber
from bus.broker.waiting import within

QUESTION = "$SYS.REQ.ACCOUNT.PING.CONNZ"
LIMIT = 1024
"""Connections in one answer."""
PATIENCE = 1.0
"""Seconds that a server may take."""
GONE = 5.0
"""Seconds for which one that is silent now counts with what it has said last."""
SPREAD = 0.05
"""Seconds in which the servers of a cluster hear of each other's subscriptions: nothing tells."""


class _Subscription(Struct):
    subject: str
    sid: str


class _Connected(Struct):
    cid: int
    subscriptions_list_detail: list[_Subscription] = []


class _Connections(Struct):
    connections: list[_Connected] = []


class _Server(Struct):
    id: str


class _Answer(Struct):
    """`data` is missing where the server says what is wrong with the question."""

    server: _Server
    data: _Connections | None = None
    error: msgspec.Raw = msgspec.Raw(b"")


_decode = msgspec.json.Decoder(_Answer).decode


class _Question:
    """Open for answers; `some` is set when one has come."""

    def __init__(self) -> None:
        self.answers: dict[str, Sequence[_Connected]] = {}
        self.problem = ""
        self.some = asyncio.Event()


class Listeners:
    """Asked again and again, so that it knows which servers there are, and waits for no others."""

    def __init__(self, connection: Connection, pattern: str) -> None:
        self._connection = connection
        self._pattern = pattern
        self._inbox = ""
        self._numbers = itertools.count(1)
        self._open: dict[bytes, _Question] = {}
        self._awaited: set[str] = set()
        self._told_of = 0
        self._heard: dict[str, float] = {}
        self._said: dict[str, frozenset[Subscriber]] = {}

    async def now(self) -> Collection[Subscriber]:
        """See `bus.broker.port.Broker.listeners`."""
        await self._connection.connected(PATIENCE)
        if not self._inbox:
            self._told_of = self._connection.wire.cluster
            inbox = self._connection.wire.new_inbox()
            await self._connection.listen(f"{inbox}.*", self._take)
            self._inbox = inbox
        before = self._all()
        said: dict[str, set[Subscriber]] = {}
        for offset in itertools.count(0, LIMIT):
            page = await self._page(offset)
            for server, connections in page.items():
                said.setdefault(server, set()).update(self._subscribers(server, connections))
            if all(len(connections) < LIMIT for connections in page.values()):
                break
        kept = {server: self._said[server] for server in self._known() & self._said.keys()}
        self._said = {**kept, **{server: frozenset(found) for server, found in said.items()}}
        new = self._all() - before
        if any(one.server != self._connection.wire.server for one in new):
            await asyncio.sleep(SPREAD)
        return self._all()

    def _all(self) -> frozenset[Subscriber]:
        """What all servers have said that have not been silent for too long."""
        return frozenset().union(*(self._said.get(server, ()) for server in self._known()))

    def _known(self) -> set[str]:
        now = asyncio.get_running_loop().time()
        return {server for server, at in self._heard.items() if now - at < GONE}

    async def _page(self, offset: int) -> Mapping[str, Sequence[_Connected]]:
        """The connections that each server counts from `offset` on."""
        number, question = b"%d" % next(self._numbers), _Question()
        self._open[number] = question
        body = {"subscriptions_detail": True, "filter_subject": self._pattern}
        paged = {**body, "limit": LIMIT, "offset": offset}
        reply = f"{self._inbox}.{number.decode()}"
        try:
            self._connection.publish(QUESTION, msgspec.json.encode(paged), reply=reply)
            await self._answered(question)
        finally:
            del self._open[number]
            # One that was silent is not waited for again, until it answers.
            self._awaited, self._told_of = set(question.answers), 0
        if question.problem or self._connection.wire.server not in question.answers:
            why = question.problem or f"no answer; may this user publish to {QUESTION}?"
            raise BrokerUnavailable(f"NATS does not say who listens to {self._pattern}: {why}")
        return question.answers

    async def _answered(self, question: _Question) -> None:
        """Returns when the own server and all that did the last time have answered; the first
        time, as many as the own one has told of."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while not question.problem and loop.time() < until:
            missing = {self._connection.wire.server, *self._awaited} - question.answers.keys()
            if not missing and len(question.answers) >= self._told_of:
                return
            question.some.clear()
            await within(until - loop.time(), question.some)

    def _subscribers(self, server: str, found: Sequence[_Connected]) -> Collection[Subscriber]:
        """A connection is listed with all its subscriptions."""
        return [
            Subscriber(server, one.cid, its.sid, its.subject)
            for one in found
            for its in one.subscriptions_list_detail
            if subjects.overlap(its.subject, self._pattern)
        ]

    def _take(self, subject: bytes, _: bytes, body: bytes, headers: bytes | None) -> None:
        question = self._open.get(subject.rpartition(b".")[2], _Question())
        question.some.set()
        if not body and frames.decode_status(headers or b"").code == 503:
            question.problem = "nobody answers"
            return
        answer = _decode(body)
        if answer.data is None:
            question.problem = bytes(answer.error).decode() or "it gives no reason"
            return
        self._awaited.add(answer.server.id)
        self._heard[answer.server.id] = asyncio.get_running_loop().time()
        question.answers[answer.server.id] = answer.data.connections
