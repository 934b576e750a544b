"""A store in memory, for tests. Several handles on one `MemoryDisk` are several processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from bus.envelope import Key
from bus.store.disk import MemoryDisk
from bus.store.memory_lease import MemoryLease
from bus.store.packing import storable
from bus.store.port import (
    START,
    Append,
    Checkpoint,
    DutyRow,
    Head,
    Landed,
    Lease,
    ParkedRow,
    Past,
    Snapshot,
    StoredEvent,
    StoredReceipt,
    StoreUnavailable,
)

__all__ = ["MemoryDisk", "MemoryStore", "MemoryTransaction"]


class _Histories:
    """What a store and its transactions read alike."""

    def __init__(self, disk: MemoryDisk) -> None:
        self.disk = disk

    async def _safely(self) -> None:
        """What is read now outlives a crash."""
        await self.disk.reached()
        self.disk.crash.make_safe()

    async def load(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]:
        await self.disk.reached()
        return {key: tuple(self.disk.aggregates.get(key, ())) for key in keys}

    async def recall(
        self, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
    ) -> Mapping[Key, Past]:
        await self.disk.reached()
        return {key: self.disk.past(key, shapes.get(key.aggregate), limit) for key in keys}

    async def sequence(
        self,
        key: Key,
        *,
        after: int | None = None,
        upto: int | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]:
        await self._safely()
        found = [
            event
            for event in self.disk.aggregates.get(key, ())
            if (after is None or event.version > after) and (upto is None or event.version <= upto)
        ]
        return (found[::-1] if descending else found)[:limit]


class MemoryTransaction(_Histories):
    """See `bus.store.port.Transaction`."""

    async def append(self, append: Append) -> Head:
        await self.disk.reached()
        head = self.disk.commit(append)
        self.disk.crash.make_safe()
        return head


class MemoryStore(_Histories):
    """See `bus.store.port.Store`. What goes wrong is decided by its `disk`."""

    def __init__(self, shared: MemoryDisk | None = None) -> None:
        super().__init__(shared or MemoryDisk())

    async def open(self) -> None:
        await self.disk.reached()

    async def close(self) -> None:
        await asyncio.sleep(0)

    async def append(self, append: Append) -> Head:
        await self.disk.reached()
        head = await self._commit(append)
        self.disk.crash.make_safe()
        return head

    async def write(self, append: Append) -> Landed:
        crash = self.disk.crash
        crashes = crash.crashes
        await self.disk.reached()
        crash.before_write()
        head = await self._commit(append)

        async def safe() -> None:
            for _ in range(crash.turns):
                await self.disk.reached()
            if crash.crashes != crashes:
                raise StoreUnavailable("The server has crashed, as the test wants it", unknown=True)
            crash.make_safe()

        return Landed(head, safe)

    async def _commit(self, append: Append) -> Head:
        if append == Append(expected=append.expected):
            return self.disk.commit(append)  # only a check: it waits for nobody
        async with self.disk.head_lock:
            return self.disk.commit(append)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[MemoryTransaction]:
        await self.disk.reached()
        async with self.disk.head_lock:
            yield MemoryTransaction(self.disk)

    async def versions(self, keys: Sequence[Key]) -> Mapping[Key, int]:
        await self.disk.reached()
        return {key: self.disk.version(key) for key in keys}

    async def head(self) -> Head:
        await self._safely()
        return self.disk.head

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        await self._safely()
        return self.disk.events[after : after + limit]

    async def history(self, id: str, after: int, limit: int) -> Sequence[StoredEvent]:
        await self._safely()
        return [event for event in self.disk.events[after:] if event.key.id == id][:limit]

    async def receipts(self, command_ids: Sequence[str]) -> Mapping[str, StoredReceipt]:
        await self._safely()
        kept = self.disk.receipts
        return {id: kept[id] for id in command_ids if id in kept}

    async def trim_receipts(self, before: datetime, limit: int) -> int:
        await self.disk.reached()
        return self.disk.trim_receipts(before, limit)

    async def keep_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        await self.disk.reached()
        for snapshot in snapshots:
            self.disk.keep_snapshot(snapshot)

    async def forget_snapshot(self, key: Key) -> None:
        await self.disk.reached()
        self.disk.snapshots.pop(key, None)

    async def checkpoint(self, upstream: str) -> Checkpoint:
        await self._safely()
        return self.disk.upstreams.get(upstream, START)

    async def due(self, now: datetime, limit: int, kind: str | None = None) -> Sequence[DutyRow]:
        await self._safely()
        due = [row for row in self._owed(kind) if row.due <= now]
        return sorted(due, key=lambda row: (row.due, row.name))[:limit]

    async def next_due(self, kind: str | None = None) -> datetime | None:
        await self.disk.reached()
        return min((row.due for row in self._owed(kind)), default=None)

    def _owed(self, kind: str | None) -> Sequence[DutyRow]:
        return [row for row in self.disk.duties.values() if kind in (None, row.kind)]

    async def postpone(self, name: str, event_id: str, due: datetime) -> None:
        await self.disk.reached()
        row = self.disk.duties.get(name)
        if row is not None and row.event_id == event_id:
            self.disk.duties[name] = row._replace(due=due)

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        await self.disk.reached()
        rows = sorted(self.disk.parked.items())
        return [row for _, row in rows if reader in (None, row.reader)]

    async def parked_again(self, reader: str, key: str, position: int, reason: str) -> None:
        await self.disk.reached()
        row = self.disk.parked.get((reader, key, position))
        if row is not None:
            again = row._replace(attempts=row.attempts + 1, reason=storable(reason))
            self.disk.parked[reader, key, position] = again

    def lease(self) -> Lease:
        return MemoryLease(self.disk.leadership)
