"""Where the answers to a connection's requests arrive: one subscription for all of them."""

from __future__ import annotations

import asyncio
import itertools
from typing import NamedTuple


class Answer(NamedTuple):
    body: bytes
    headers: bytes


class Inbox:
    """`prefix` is subscribed to as `<prefix>.*` with `take` as the listener."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._tokens = itertools.count(1)
        self._waiting: dict[bytes, asyncio.Future[Answer]] = {}

    def expect(self) -> tuple[str, asyncio.Future[Answer]]:
        """A reply subject and its one answer. Whoever gives up waiting cancels the future."""
        token = b"%d" % next(self._tokens)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda _: self._waiting.pop(token, None))
        self._waiting[token] = answer
        return f"{self.prefix}.{token.decode()}", answer

    def take(self, subject: bytes, _reply: bytes, body: bytes, headers: bytes | None) -> None:
        answer = self._waiting.get(subject.rpartition(b".")[2])
        if answer is not None and not answer.done():
            answer.set_result(Answer(body, headers or b""))

    def fail(self, error: Exception) -> None:
        """No answer that is awaited now will come."""
        for answer in list(self._waiting.values()):
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # it may be that nobody looks at it any more
