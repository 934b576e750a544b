"""The store as the kernel sees it. Adapters: `postgres.py`, `memory.py`.

A store belongs to one domain. It numbers events 1, 2, 3, … in commit order without gaps,
and is the only source of truth.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from bus.envelope import Key
from bus.store.rows import (
    NOTHING,
    START,
    Append,
    Checkpoint,
    DutyRow,
    Fired,
    Head,
    Moved,
    NewEvent,
    Parked,
    ParkedRow,
    Past,
    ReactionRefused,
    Receipt,
    Snapshot,
    StoredEvent,
    StoredReceipt,
)

__all__ = [
    "NOTHING",
    "START",
    "Append",
    "Checkpoint",
    "Conflict",
    "DutyRow",
    "Fired",
    "Head",
    "Landed",
    "Lease",
    "Moved",
    "NewEvent",
    "Parked",
    "ParkedRow",
    "Past",
    "ReactionRefused",
    "Receipt",
    "Snapshot",
    "Store",
    "StoreUnavailable",
    "StoredEvent",
    "StoredReceipt",
    "Transaction",
]


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


class Landed(NamedTuple):
    """An append that everybody sees, and that a crash of the database could still take back,
    with all that came after it.

    `safe()` returns when none can. Raises StoreUnavailable, `unknown`, where the database
    broke off before: what has become of it must be looked up.
    """

    head: Head
    safe: Callable[[], Awaitable[None]]


class Lease(Protocol):
    """Leadership of a store's domain, or of a view: one process has it at a time."""

    @property
    def held(self) -> bool:
        """Whether this process leads for certain: False also once it has stood still, or been cut
        off, for so long that another one may lead. Asked right before whatever only the one may
        do that leads."""

    async def acquire(self) -> None:
        """Returns when this process leads. Waits for ever if it must."""

    async def lost(self) -> None:
        """Returns when leadership has gone (connection broke, session timed out)."""

    async def release(self) -> None:
        """Gives leadership up; harmless when not held."""


class Transaction(Protocol):
    async def load(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]: ...

    async def recall(
        self, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
    ) -> Mapping[Key, Past]: ...

    async def sequence(
        self,
        key: Key,
        *,
        after: int | None = None,
        upto: int | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]: ...

    async def append(self, append: Append) -> Head: ...


class Store(Protocol):
    """Every method raises StoreUnavailable where the database can't be reached.

    What `recall`, `load` and `versions` give, a crash of the database could still take back:
    they are for decisions, and an append that rests on it is lost along with it. All else
    that is read is safe.
    """

    async def open(self) -> None:
        """Connects and creates what is missing. Safe when several processes do it at once."""

    async def close(self) -> None: ...

    async def load(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]:
        """All events of each aggregate, in order; every key is in the answer."""

    async def recall(
        self, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
    ) -> Mapping[Key, Past]:
        """In one round trip each aggregate's snapshot, if it has one of the shape that
        `shapes` gives its kind, and up to `limit` events from that on; of every key."""

    async def sequence(
        self,
        key: Key,
        *,
        after: int | None = None,
        upto: int | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]:
        """Events of one aggregate with versions above `after` and up to `upto`."""

    async def keep_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Each takes the place of its aggregate's older one, or of one of another shape.

        Nobody waits for it, and it may be lost when the database crashes.
        """

    async def forget_snapshot(self, key: Key) -> None: ...

    async def append(self, append: Append) -> Head:
        """Writes all in one transaction and one round trip; gives the new head.

        The events have the positions `head.position - len(events) + 1 … head.position`.
        An append without events still checks `expected`. Raises Conflict.
        """

    async def write(self, append: Append) -> Landed:
        """As `append`, but returns as soon as the next one may build on it: nobody may be
        told anything before it is `safe`."""

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

    async def trim_receipts(self, before: datetime, limit: int) -> int:
        """Forgets up to `limit` receipts that were recorded before then, the oldest first,
        and gives their number. Nobody waits for it; it may be undone by a crash."""

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
