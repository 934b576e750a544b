"""A stream in memory, with JetStream's rules: what is refused, what stays a hole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bus.broker.port import StreamMessage, StreamState


class MemoryStream:
    def __init__(self, first: int) -> None:
        self._messages: dict[int, tuple[str, bytes]] = {}
        self._last = first - 1
        self.readers: set[asyncio.Event] = set()

    @property
    def state(self) -> StreamState:
        first = next(iter(self._messages), self._last + 1)
        return StreamState(first, self._last, self._last - first + 1 - len(self._messages))

    def store(self, subject: str, body: bytes, expected_last: int | None = None) -> bool:
        """Whether the stream has taken the message: only right behind `expected_last`."""
        if expected_last not in (None, self._last):
            return False
        self._last += 1
        self._messages[self._last] = (subject, body)
        self.wake()
        return True

    def get(self, sequence: int) -> bytes | None:
        found = self._messages.get(sequence)
        return found[1] if found else None

    def after(self, sequence: int, limit: int) -> Sequence[StreamMessage]:
        held = [s for s in range(sequence + 1, self._last + 1) if s in self._messages]
        return [StreamMessage(s, *self._messages[s]) for s in held[:limit]]

    def delete(self, sequence: int) -> None:
        self._messages.pop(sequence, None)

    def truncate(self, last: int) -> None:
        self._messages = {s: m for s, m in self._messages.items() if s <= last}
        self._last = min(self._last, last)

    def trim(self, first: int) -> None:
        self._messages = {s: m for s, m in self._messages.items() if s >= first}

    def wake(self) -> None:
        """Every reader looks again."""
        for reader in self.readers:
            reader.set()
