"""What a domain owes of one kind, and when to look for it again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bus.clock import Clock
from bus.committer import Committer
from bus.store.port import DutyRow, Store

LOOK = 1.0
"""Seconds until another process's commits are looked at, too; own ones are heard of."""
LONGEST = timedelta(hours=1)


class Agenda:
    """Duties of one `kind` ("deadline" or "call")."""

    def __init__(self, store: Store, committer: Committer, clock: Clock, kind: str) -> None:
        self._store = store
        self._clock = clock
        self._kind = kind
        self._failures: dict[str, int] = {}
        self._news = asyncio.Event()
        self._waits_until: datetime | None = None
        committer.duty_listeners.append(self._committed)

    @property
    def resting(self) -> bool:
        """It waits, and has no reason to stop."""
        until = self._waits_until
        return until is not None and self._clock.now() < until and not self._news.is_set()

    async def due(self, limit: int) -> Sequence[DutyRow]:
        """What is due now, the earliest first. Raises StoreUnavailable."""
        return await self._store.due(self._clock.now(), limit, self._kind)

    async def wait(self, most: float = LOOK) -> None:
        """Returns when something new may be due: after a commit of the domain's own that
        started it, when the next duty's time has come, or after `most` seconds."""
        due = await self._store.next_due(self._kind)
        if due is not None:
            most = min(most, max(0.0, (due - self._clock.now()).total_seconds()))
        await self.heard(most)

    async def heard(self, most: float) -> None:
        """Returns when there is news since it last returned, or after `most` seconds."""
        until = self._clock.now() + timedelta(seconds=most)
        waiting = [
            asyncio.ensure_future(self._news.wait()),
            asyncio.ensure_future(self._clock.sleep(most)),
        ]
        try:
            await asyncio.sleep(0)  # both have begun: from here on the clock wakes us
            if self._clock.now() < until:
                self._waits_until = until
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waits_until = None
            self._news.clear()
            for future in waiting:
                future.cancel()

    def tell(self) -> None:
        """There is news: whoever waits looks again."""
        self._news.set()

    def fulfilled(self, name: str) -> None:
        self._failures.pop(name, None)

    async def postpone(self, row: DutyRow, seconds: float) -> None:
        """Raises StoreUnavailable."""
        due = self._clock.now() + timedelta(seconds=seconds)
        await self._store.postpone(row.name, row.event_id, due)

    async def failed(self, row: DutyRow) -> timedelta:
        """Postpones `row`, longer each time it has failed: 1 s, 2 s, 4 s … 1 h."""
        failures = self._failures[row.name] = self._failures.get(row.name, 0) + 1
        pause = min(timedelta(seconds=2 ** min(failures - 1, 30)), LONGEST)
        await self.postpone(row, pause.total_seconds())
        return pause

    def _committed(self, first_due: Mapping[str, datetime]) -> None:
        """What is due later is seen in time: nobody waits for longer than LOOK."""
        due = first_due.get(self._kind)
        if due is not None and due <= self._clock.now() + timedelta(seconds=LOOK):
            self._news.set()
