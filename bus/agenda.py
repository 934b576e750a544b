"""What a domain owes of one kind, and when to look for it again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from bus.clock import Clock
from bus.committer import Committer
from bus.decider import Domain
from bus.duties import Call, Deadline
from bus.store.port import DutyRow, Store, StoredEvent

LOOK = 1.0
"""Seconds until another process's commits are looked at, too; own ones are heard of."""
LONGEST = timedelta(hours=1)

KINDS: dict[str, type[Deadline] | type[Call]] = {"deadline": Deadline, "call": Call}


class Agenda:
    """Duties of one `kind` ("deadline" or "call"). `resting` is True while it waits."""

    def __init__(
        self, domain: Domain, store: Store, committer: Committer, clock: Clock, kind: str
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._kind = kind
        self._failures: dict[str, int] = {}
        self._news = asyncio.Event()
        self.resting = False
        committer.listeners.append(self._committed)

    async def due(self, limit: int) -> Sequence[DutyRow]:
        """What is due now, the earliest first. Raises StoreUnavailable."""
        return await self._store.due(self._clock.now(), limit, self._kind)

    async def wait(self, most: float = LOOK) -> None:
        """Returns when something new may be due: after a commit of the domain's own, when
        the next duty's time has come, or after `most` seconds."""
        due = await self._store.next_due(self._kind)
        if due is not None:
            most = min(most, max(0.0, (due - self._clock.now()).total_seconds()))
        await self.heard(most)

    async def heard(self, most: float) -> None:
        """Returns when there is news since it last returned, or after `most` seconds."""
        self.resting = not self._news.is_set()
        waiting = [
            asyncio.ensure_future(self._news.wait()),
            asyncio.ensure_future(self._clock.sleep(most)),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.resting = False
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

    def _committed(self, events: Sequence[StoredEvent]) -> None:
        if not self._news.is_set() and any(self._owes(stored) for stored in events):
            self._news.set()

    def _owes(self, stored: StoredEvent) -> bool:
        try:
            recorded = self._domain.contract.decode(stored.position, stored.body)
        except msgspec.MsgspecError:
            return False
        kind = KINDS[self._kind]
        return any(isinstance(duty, kind) for duty in self._domain.duties(recorded))
