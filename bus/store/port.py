"""The store as the kernel sees it. Adapters: `postgres.py`, `memory.py`.

A store belongs to one domain. It numbers events 1, 2, 3, … in commit order without gaps,
and is the only source of truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from bus.envelope import Key


class NewEvent(NamedTuple):
    """An event to append. `body` is the envelope's bytes: stored, hashed, published as is."""

    event_id: str
    key: Key
    version: int
    type: str
    body: bytes


class StoredEvent(NamedTuple):
    position: int
    event_id: str
    key: Key
    version: int
    type: str
    body: bytes


class Head(NamedTuple):
    """The last position of a store (0 when empty) and the hash chain up to it.

    `digest` is 32 bytes: sha256(previous digest || body), from 32 zero bytes.
    """

    position: int
    digest: bytes


class Checkpoint(NamedTuple):
    """How far a reader is in a stream, and which event is there. (0, "") is the start."""

    position: int
    event_id: str


START = Checkpoint(0, "")


class Receipt(NamedTuple):
    """The answer to a command, kept with its effect.

    `digest` identifies subject and payload. `answer` is the reply's JSON without its
    position; `last` counts the batch's events up to and with this command's own, so that
    the stored position is the head before the batch plus `last`.
    """

    command_id: str
    digest: bytes
    answer: bytes
    last: int


class StoredReceipt(NamedTuple):
    digest: bytes
    answer: bytes
    position: int


class DutyRow(NamedTuple):
    """A deadline or an outside call that is owed.

    `kind` is "deadline" or "call", `body` the JSON of the tagged command or request,
    `event_id` the event that started it, `correlation_id` that event's.
    """

    name: str
    due: datetime
    kind: str
    body: bytes
    event_id: str
    correlation_id: str


class Fired(NamedTuple):
    """A duty that is fulfilled: this very one, not a later one of the same name."""

    name: str
    event_id: str


class Moved(NamedTuple):
    """The reaction's place in `upstream` moves in the append's own transaction."""

    upstream: str
    before: Checkpoint
    after: Checkpoint


class Parked(NamedTuple):
    """An upstream event that a reader could not take, or that stands behind one.

    `key` is what is parked, `body` the event's bytes, `reason` one line.
    """

    reader: str
    key: str
    position: int
    body: bytes
    reason: str


class ParkedRow(NamedTuple):
    reader: str
    key: str
    position: int
    body: bytes
    reason: str
    attempts: int
    since: datetime


class ReactionRefused(NamedTuple):
    """A command of a reaction that the domain's own rules turned down."""

    upstream: str
    position: int
    command: str
    id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Append:
    """All that one transaction writes, or nothing of it.

    `expected` holds the version of every aggregate that was read (0: has no events).
    `fired` names duties that must still be there and are deleted; `settled` names duties
    that are deleted if there. `unparked` are (reader, key, position), which must still be
    there and are deleted. What is deleted goes before what is written under the same name.
    """

    expected: Mapping[Key, int] = field(default_factory=dict)
    events: Sequence[NewEvent] = ()
    receipts: Sequence[Receipt] = ()
    moved: Sequence[Moved] = ()
    duties: Sequence[DutyRow] = ()
    settled: Sequence[str] = ()
    fired: Sequence[Fired] = ()
    parked: Sequence[Parked] = ()
    unparked: Sequence[tuple[str, str, int]] = ()
    refusals: Sequence[ReactionRefused] = ()


class Conflict(Exception):
    """Nothing was written: some of what the append rests on has changed.

    `keys` are the aggregates at another version than expected, `receipts` the command ids
    that have a receipt already, `upstreams` those whose place has moved, `fired` the
    duties that have gone, `unparked` the parked events that are not parked any more.
    """

    def __init__(
        self,
        keys: Sequence[Key] = (),
        receipts: Sequence[str] = (),
        upstreams: Sequence[str] = (),
        fired: Sequence[Fired] = (),
        unparked: Sequence[tuple[str, str, int]] = (),
    ) -> None:
        super().__init__(f"{keys=} {receipts=} {upstreams=} {fired=} {unparked=}")
        self.keys = tuple(keys)
        self.receipts = tuple(receipts)
        self.upstreams = tuple(upstreams)
        self.fired = tuple(fired)
        self.unparked = tuple(unparked)


class StoreUnavailable(Exception):
    """The database can't be reached, or broke off. Nothing is known to have been written.

    `unknown` is True where a commit was under way: it may have happened.
    """

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class Lease(Protocol):
    """Leadership of a store's domain: one process has it at a time."""

    async def acquire(self) -> None:
        """Returns when this process leads. Waits for ever if it must."""

    async def lost(self) -> None:
        """Returns when leadership has gone (connection broke, session timed out)."""

    async def release(self) -> None:
        """Gives leadership up; harmless when not held."""


class Transaction(Protocol):
    async def load(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]: ...

    async def append(self, append: Append) -> Head: ...


class Store(Protocol):
    """Every method raises StoreUnavailable where the database can't be reached."""

    async def open(self) -> None:
        """Connects and creates what is missing. Safe when several processes do it at once."""

    async def close(self) -> None: ...

    async def load(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]:
        """All events of each aggregate, in order; every key is in the answer."""

    async def append(self, append: Append) -> Head:
        """Writes all in one transaction and one round trip; gives the new head.

        The events have the positions `head.position - len(events) + 1 … head.position`.
        An append without events still checks `expected`. Raises Conflict.
        """

    def exclusive(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that takes the head first: nobody else commits until it ends.

        Its `append` commits it; leaving without one rolls back.
        """

    async def versions(self, keys: Sequence[Key]) -> Mapping[Key, int]: ...

    async def head(self) -> Head: ...

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Up to `limit` events from position `after + 1` on, in order."""

    async def history(self, id: str, after: int, limit: int) -> Sequence[StoredEvent]:
        """Events after position `after` of all aggregates with this id, in order."""

    async def receipts(self, command_ids: Sequence[str]) -> Mapping[str, StoredReceipt]:
        """Those of the receipts that exist."""

    async def checkpoint(self, upstream: str) -> Checkpoint: ...

    async def due(self, now: datetime, limit: int, kind: str | None = None) -> Sequence[DutyRow]:
        """Duties with `due <= now`, the earliest first; of one kind, or of both."""

    async def next_due(self, kind: str | None = None) -> datetime | None:
        """When the next duty is due; None when nothing (of that kind) is owed."""

    async def postpone(self, name: str, event_id: str, due: datetime) -> None:
        """Moves a duty that still stems from `event_id` to another time."""

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        """What is parked, by reader, key and position."""

    async def parked_again(self, reader: str, key: str, position: int, reason: str) -> None:
        """Notes one more failed attempt."""

    def lease(self) -> Lease: ...
