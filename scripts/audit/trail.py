"""One domain's events in a row: nothing is missing, and nothing was slipped in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from scripts.audit.events import Event, decode
from scripts.audit.finding import Finding

SAME = "stream and store hold the same bytes"
SHOWN = 20
"""Faults of one trail that are named."""


class Trail:
    """`position` is the last that was read, `proved` the last up to which the store was found to
    hold the same. `digest` is the hash chain over all up to there,
    `sha256(previous || event)`, which the store keeps of its own events, too."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.position = 0
        self.digest = bytes(32)
        self.proved = 0
        self.faults = 0
        self._named: list[Finding] = []
        self._versions: dict[str, int] = {}
        self._store: tuple[int, bytes] | None = None
        self._same = True

    def take(self, position: int, body: bytes) -> Event | None:
        """The event, unless it can't be read."""
        if position != self.position + 1:
            self._fault("positions have no gaps", f"{position} comes after {self.position}")
        self.position = position
        self.digest = hashlib.sha256(self.digest + body).digest()
        self._compare()
        try:
            event = decode(self.domain, position, body)
        except ValueError as error:
            self.unreadable(position, str(error))
            return None
        self._follow(event)
        return event

    def expect(self, position: int, digest: bytes, before: int) -> None:
        """What the store's own chain is at `position`, its head, which was asked for when `before`
        was the last that had been read. An event is committed before it is published, so a stream
        can't be further than its store."""
        if position < before:
            self._differ(f"the stream holds {before} events, the store {position}")
        elif position >= self.position:
            self._store = position, digest
            self._compare()

    def findings(self) -> Iterator[Finding]:
        yield from self._named
        if more := self.faults - len(self._named):
            yield Finding("and more of the same", self.domain, f"{more} more", more)

    def unreadable(self, position: int, said: str) -> None:
        self._fault("every event can be read", f"{position}: {said}")

    def _compare(self) -> None:
        if self._store is not None and self._store[0] == self.position:
            if self._store[1] == self.digest:
                self.proved = self.position
            else:
                self._differ(f"the hash chains differ at position {self.position}")
            self._store = None

    def _differ(self, said: str) -> None:
        """Once: from there on they differ for ever."""
        if self._same:
            self._same = False
            self._fault(SAME, said)

    def _follow(self, event: Event) -> None:
        of = f"{event.aggregate}/{event.id}"
        last = self._versions.get(of, 0)
        self._versions[of] = event.version
        if event.version != last + 1:
            said = f"{of}: {event.version} comes after {last}, at position {event.position}"
            self._fault("an aggregate's versions are 1, 2, 3, …", said)

    def _fault(self, rule: str, said: str) -> None:
        self.faults += 1
        if len(self._named) < SHOWN:
            self._named.append(Finding(rule, self.domain, said))
