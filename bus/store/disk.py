"""What a store in memory keeps, and the faults that a test can ask of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from bus.envelope import Key
from bus.store.memory_crash import Crash
from bus.store.memory_lease import Leadership
from bus.store.packing import storable
from bus.store.port import (
    NOTHING,
    START,
    Append,
    Checkpoint,
    Conflict,
    DutyRow,
    Fired,
    Head,
    NewEvent,
    ParkedRow,
    Past,
    ReactionRefused,
    Snapshot,
    StoredEvent,
    StoredReceipt,
    StoreUnavailable,
)

Fault = Literal["before", "after", "unreachable"]


class MemoryDisk:
    """Shared by the handles that stand for processes on one database.

    `unavailable`: while True every method raises StoreUnavailable, and leases are lost.
    """

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self.aggregates: dict[Key, list[StoredEvent]] = {}
        self.head = Head(0, bytes(32))
        self.receipts: dict[str, StoredReceipt] = {}
        self.recorded: dict[str, datetime] = {}
        """When each receipt was recorded."""
        self.snapshots: dict[Key, Snapshot] = {}
        self.upstreams: dict[str, Checkpoint] = {}
        self.duties: dict[str, DutyRow] = {}
        self.parked: dict[tuple[str, str, int], ParkedRow] = {}
        self.refusals: list[ReactionRefused] = []
        self.head_lock = asyncio.Lock()
        self.leadership = Leadership()
        self._versions: set[tuple[Key, int]] = set()
        self._faults: list[Fault] = []
        self.crash = Crash(self)

    @property
    def unavailable(self) -> bool:
        return not self.leadership.possible.is_set()

    @unavailable.setter
    def unavailable(self, value: bool) -> None:
        if value:
            self.leadership.possible.clear()
            self.leadership.end()
        else:
            self.leadership.possible.set()

    def fail_next(self, *faults: Fault) -> None:
        """The next appends fail, one by one: "before" and "after" the commit (both raise
        with `unknown=True`, but only the latter is written), or "unreachable" at all."""
        self._faults.extend(faults)

    async def reached(self) -> None:
        """A round trip: lets others run."""
        await asyncio.sleep(0)
        if self.unavailable:
            raise StoreUnavailable("The store in memory is unavailable, as the test wants it")

    def version(self, key: Key) -> int:
        events = self.aggregates.get(key)
        return events[-1].version if events else 0

    def past(self, key: Key, shape: str | None, limit: int) -> Past:
        snapshot = self.snapshots.get(key)
        if snapshot is None or snapshot.shape != shape:
            events = self.aggregates.get(key, [])[:limit]
            return Past(None, events) if events else NOTHING
        events = [e for e in self.aggregates.get(key, ()) if e.version >= snapshot.version]
        return Past(snapshot, events[:limit])

    def keep_snapshot(self, new: Snapshot) -> None:
        kept = self.snapshots.get(new.key)
        if kept is None or kept.shape != new.shape or kept.version <= new.version:
            self.snapshots[new.key] = new

    def trim_receipts(self, before: datetime, limit: int) -> int:
        old = [id for id, recorded in self.recorded.items() if recorded < before][:limit]
        for id in old:
            del self.receipts[id], self.recorded[id]
        return len(old)

    def commit(self, append: Append) -> Head:
        """All of `append`, or nothing. Raises Conflict and the fault that is next."""
        fault = self._faults.pop(0) if self._faults else None
        if fault == "unreachable":
            raise StoreUnavailable("The store in memory is unreachable, as the test wants it")
        if fault == "before":
            raise StoreUnavailable("The connection broke before the commit", unknown=True)
        self._check(append)
        self._delete(append)
        self._write(append)
        if fault == "after":
            raise StoreUnavailable("The connection broke after the commit", unknown=True)
        return self.head

    def _check(self, append: Append) -> None:
        lost = (
            [key for key, version in append.expected.items() if self.version(key) != version],
            [row.command_id for row in append.receipts if row.command_id in self.receipts],
            [
                row.upstream
                for row in append.moved
                if self.upstreams.get(row.upstream, START) != row.before
            ],
            [fired for fired in append.fired if not self._owes(fired)],
            [row for row in append.unparked if row not in self.parked],
        )
        if any(lost):
            raise Conflict(*lost)
        self._check_written_twice(append)

    def _owes(self, fired: Fired) -> bool:
        row = self.duties.get(fired.name)
        return row is not None and row.event_id == fired.event_id

    def _check_written_twice(self, append: Append) -> None:
        new: set[tuple[Key, int]] = set()
        for event in append.events:
            version = (event.key, event.version)
            if version in self._versions or version in new:
                raise Conflict(list(dict.fromkeys(event.key for event in append.events)))
            new.add(version)
        ids = [receipt.command_id for receipt in append.receipts]
        if len(set(ids)) < len(ids):
            raise Conflict(receipts=ids)

    def _delete(self, append: Append) -> None:
        for name in (*(fired.name for fired in append.fired), *append.settled):
            self.duties.pop(name, None)
        for row in append.unparked:
            self.parked.pop(row, None)

    def _write(self, append: Append) -> None:
        before = self.head.position
        self.duties.update({row.name: row for row in append.duties})
        self.upstreams.update({row.upstream: row.after for row in append.moved})
        self.refusals.extend(append.refusals)
        for receipt in append.receipts:
            answer = StoredReceipt(receipt.digest, receipt.answer, before + receipt.last)
            self.receipts[receipt.command_id] = answer
            self.recorded[receipt.command_id] = datetime.now(UTC)
        for row in append.parked:
            reason = storable(row.reason)
            parked = ParkedRow(*row[:4], reason, 1, datetime.now(UTC))
            self.parked.setdefault((row.reader, row.key, row.position), parked)
        for event in append.events:
            self._record(event)

    def _record(self, event: NewEvent) -> None:
        position, digest = self.head
        stored = StoredEvent(position + 1, *event)
        self.events.append(stored)
        self.aggregates.setdefault(event.key, []).append(stored)
        self._versions.add((event.key, event.version))
        self.head = Head(position + 1, sha256(digest + event.body).digest())
