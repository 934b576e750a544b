"""The server that in-memory brokers share: subjects, streams and a work queue, in one loop.

Deterministic: everything is delivered in the order in which it was sent, one call of the
event loop each, and nothing waits for a clock.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import msgspec

from bus import subjects
from bus.broker import frames
from bus.broker.memory_queue import MemoryQueue
from bus.broker.memory_stream import MemoryStream
from bus.broker.port import StreamMissing, Subscriber

EXPECTED = "Nats-Expected-Last-Sequence"


class Message(NamedTuple):
    subject: str
    body: bytes
    headers: Mapping[str, str]
    reply: str


class Interest:
    """A subscription. Those of one `queue` share the messages, in turns. `number` is another
    one each time that it is added to a server."""

    def __init__(self, pattern: str, queue: str | None, take: Callable[[Message], None]) -> None:
        self.number = 0
        self.pattern = pattern
        self.queue = queue
        self.take = take
        self._tokens = pattern.split(".")
        self.literal = "*" not in self._tokens and ">" not in self._tokens

    def matches(self, subject: list[str]) -> bool:
        for i, token in enumerate(self._tokens):
            if token == ">":
                return len(subject) > i
            if i >= len(subject) or token not in ("*", subject[i]):
                return False
        return len(subject) == len(self._tokens)


class MemoryServer:
    """`delete_message`, `truncate`, `trim` and `drop` are what may happen to a stream."""

    def __init__(self, *, max_payload: int = 1024 * 1024) -> None:
        self.max_payload = max_payload
        self.submissions: MemoryQueue | None = None
        self._streams: dict[str, MemoryStream] = {}
        self._literal: defaultdict[str, list[Interest]] = defaultdict(list)
        self._wildcards: list[Interest] = []
        self._turns: defaultdict[str, int] = defaultdict(int)
        self._inboxes = itertools.count(1)
        self._interests = itertools.count(1)

    def inbox(self) -> str:
        return f"_INBOX.memory.{next(self._inboxes)}"

    def listeners(self, pattern: str) -> Collection[Subscriber]:
        interests = [*itertools.chain.from_iterable(self._literal.values()), *self._wildcards]
        return [
            Subscriber("memory", 0, str(one.number), one.pattern)
            for one in interests
            if subjects.overlap(one.pattern, pattern)
        ]

    def add(self, interest: Interest) -> None:
        interest.number = next(self._interests)
        self._beside(interest).append(interest)

    def remove(self, interest: Interest) -> None:
        """What was sent before still reaches it."""
        beside = self._beside(interest)
        if interest in beside:
            beside.remove(interest)
        if interest.literal and not beside:
            del self._literal[interest.pattern]

    def send(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None, reply: str = ""
    ) -> bool:
        """Whether anybody has taken the message."""
        # By way of their bytes, so that what a wire does to headers is done to them here.
        seen = frames.decode_headers(frames.encode_headers(headers))
        message = Message(subject, body, seen, reply)
        takers = self._takers(subject)
        for taker in takers:
            asyncio.get_running_loop().call_soon(taker.take, message)
        stored = self._store_event(message) or self._store_submission(message)
        return stored or bool(takers)

    def ensure_stream(self, domain: str, first: int) -> MemoryStream:
        return self._streams.setdefault(domain, MemoryStream(first))

    def stream(self, domain: str) -> MemoryStream:
        """Raises StreamMissing."""
        try:
            return self._streams[domain]
        except KeyError:
            raise StreamMissing(f"there is no stream {domain.upper()}") from None

    def drop(self, domain: str) -> None:
        """The stream disappears."""
        if (stream := self._streams.pop(domain, None)) is not None:
            stream.wake()

    def delete_message(self, domain: str, sequence: int) -> None:
        """The stream has a hole."""
        self.stream(domain).delete(sequence)

    def truncate(self, domain: str, last: int) -> None:
        """The stream loses its tail: all behind `last`."""
        self.stream(domain).truncate(last)

    def trim(self, domain: str, first: int) -> None:
        """The stream forgets its oldest history: all before `first`."""
        self.stream(domain).trim(first)

    def ensure_submissions(self) -> MemoryQueue:
        self.submissions = self.submissions or MemoryQueue()
        return self.submissions

    def _beside(self, interest: Interest) -> list[Interest]:
        return self._literal[interest.pattern] if interest.literal else self._wildcards

    def _takers(self, subject: str) -> list[Interest]:
        tokens = subject.split(".")
        takers: list[Interest] = []
        groups: defaultdict[str, list[Interest]] = defaultdict(list)
        wild = [interest for interest in self._wildcards if interest.matches(tokens)]
        for interest in (*self._literal.get(subject, ()), *wild):
            (takers if interest.queue is None else groups[interest.queue]).append(interest)
        for queue, members in groups.items():
            turn = f"{queue} {members[0].pattern}"
            takers.append(members[self._turns[turn] % len(members)])
            self._turns[turn] += 1
        return takers

    def _store_event(self, message: Message) -> bool:
        tokens = message.subject.split(".")
        if len(tokens) != 5 or tokens[0] != "evt" or tokens[1] not in self._streams:
            return False
        expected = message.headers.get(EXPECTED, "")
        return self._streams[tokens[1]].store(
            subjects.stored_event(tokens[1], tokens[4]),
            message.body,
            int(expected) if expected.isdecimal() else None,
        )

    def _store_submission(self, message: Message) -> bool:
        if self.submissions is None or not message.subject.startswith("submit."):
            return False
        number = self.submissions.store(message.subject, message.body, message.headers)
        if message.reply:
            stored = {"stream": subjects.SUBMISSIONS, "seq": number}
            self.send(message.reply, msgspec.json.encode(stored))
        return True
