"""Group commit: everything that arrives while a commit is under way forms the next batch.

Works are decided on arrival, on what the batch in flight will leave if it succeeds. If it
does not, they are decided again. Outcomes are told only after the append has confirmed
what they rest on, refusals and no-ops too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from bus.batch import Batches, give_up
from bus.clock import Clock, Ids, uuid7
from bus.decider import Domain
from bus.deciding import Behind, Deciding
from bus.envelope import Key
from bus.guesses import Kind
from bus.plan import Plan
from bus.snapshots import Snapshots
from bus.states import Folded
from bus.store.port import Store, StoredEvent
from bus.work import Outcome, Postponed, Work, tell

log = structlog.get_logger()

BATCH = 512
"""Works in one append, at most."""
AT_ONCE = 3
"""Batches at most that are being written or brought to disk."""
SHARE = 3
"""One in so many of all that is not settled is in one batch, at most. Who is answered at once
sends again at once: a batch of nearly all of them leaves nothing to decide while it is written,
and nothing to write while the next is decided."""
FEW = 32
"""Works that are never divided for that: one more batch costs more than it gives."""


async def _never_behind(_: str) -> bool:
    return False


class _Loading(NamedTuple):
    """Works that are decided as soon as `states` holds what they need."""

    works: Sequence[Work]
    states: asyncio.Task[Mapping[Key, Folded]]


@dataclass(slots=True)
class _Landing:
    """A write that the next one must wait for; `told` is whether it went as planned."""

    plan: Plan
    told: bool | None = None


class Committer:
    """Decides works in the order they come in and writes them in batches. One a process.

    `behind` tells whether the copy of an upstream has not reached its end.
    """

    def __init__(
        self,
        domain: Domain,
        store: Store,
        clock: Clock,
        *,
        ids: Ids = uuid7,
        max_payload: int = 1 << 20,
        behind: Behind = _never_behind,
    ) -> None:
        self._domain = domain
        self._deciding = Deciding(
            domain, store, clock, ids=ids, max_payload=max_payload, behind=behind
        )
        self._batches = Batches(domain, store, clock, self._deciding)
        self._queue: deque[Work] = deque()
        self._pending: list[Work] = []
        self._loading: _Loading | None = None
        self._wake = asyncio.Event()
        self._commits: dict[asyncio.Task[None], Plan] = {}
        self._landing: _Landing | None = None
        self._lost = False
        self._next: Plan = self._plan()
        self._batches.on_lost = self._on_lost

    @property
    def listeners(self) -> list[Callable[[Sequence[StoredEvent]], None]]:
        """They hear of each commit's events, in order."""
        return self._batches.listeners

    @property
    def duty_listeners(self) -> list[Callable[[Mapping[str, datetime]], None]]:
        """They hear when the first of the duties is due that a commit has started, by kind
        ("deadline", "call")."""
        return self._batches.duty_listeners

    @property
    def snapshots(self) -> Snapshots:
        """Its `run` keeps them, beside the committer's own."""
        return self._deciding.snapshots

    @property
    def counts(self) -> dict[str, int]:
        """`commits`; `conflicts`: appends that lost a race; `exclusives`: batches that had
        to take the head first so as not to lose again."""
        batches = self._batches
        return {
            "commits": batches.commits,
            "conflicts": batches.conflicts,
            "exclusives": batches.exclusives,
        }

    @property
    def idle(self) -> bool:
        """All that was submitted has its outcome."""
        return not self._unsettled()

    @property
    def waiting(self) -> int:
        """Works that are not in a batch yet."""
        return len(self._queue)

    def submit(self, work: Work) -> asyncio.Future[Outcome]:
        """Queues `work`; the future is done after the commit. It never raises."""
        self.take(work)
        return work.outcome

    def take(self, work: Work) -> None:
        """Queues `work`; its listener is told after the commit."""
        if self._batches.available:
            self._queue.append(work)
            self._pending.append(work)
            self._wake.set()
        else:
            tell(work, Postponed(f"{self._domain.name}'s store can't be reached"))

    async def drain(self) -> None:
        """Returns when all that was submitted has its outcome, before a stop: what becomes of
        a commit while the store is away is not waited for for long."""
        self._batches.leave()
        while pending := self._unsettled():
            await asyncio.wait([work.outcome for work in pending])

    async def run(self) -> None:
        """Works until cancelled; then a batch in flight is still brought to its end."""
        try:
            while True:
                await self._something_to_do()
                await self._land()
                self._launch()  # what is decided waits for nobody who is not
                await self._decide()
                self._launch()
        finally:
            if self._loading is not None:
                self._loading.states.cancel()
            if self._commits:
                await asyncio.shield(asyncio.gather(*self._commits))

    def _plan(self) -> Plan:
        return self._deciding.plan(self._beneath)

    def _beneath(self, key: Key) -> Folded | None:
        if self._landing is not None and key in self._landing.plan.states:
            return self._landing.plan.states[key]
        return self._deciding.states.get(key)

    async def _something_to_do(self) -> None:
        """Waits until there is something to decide or to write, or a commit has ended."""
        self._wake.clear()
        if self._loading is None:
            decidable = bool(self._queue) and self._room() and not self._repeats(self._queue[0])
        else:
            decidable = self._loading.states.done()
        landed = self._landing is not None and self._landing.told is not None
        if not (decidable or landed or self._lost or self._writable()):
            await self._wake.wait()

    def _writable(self) -> bool:
        return bool(self._landing is None and self._next.decided and len(self._commits) < AT_ONCE)

    async def _decide(self) -> None:
        """Decides what is in the queue, or has it loaded first, beside a commit in flight."""
        if self._loading is not None:
            if not self._loading.states.done():
                return
            works, loaded = self._loading
            self._loading = None
            self._next.learn(loaded.result())
            await self._deciding.decide(works, self._next)
        works = self._take()
        if not works:
            return
        missing = self._next.missing(works)
        guessed = self._deciding.guess(missing)
        if len(guessed) < len(missing):
            self._loading = _Loading(works, asyncio.create_task(self._load(missing, guessed)))
        else:
            self._next.states.update(guessed)
            await self._deciding.add(works, self._next)

    async def _load(
        self, missing: Mapping[Key, Kind], guessed: Mapping[Key, Folded]
    ) -> Mapping[Key, Folded]:
        unknown = {key: kind for key, kind in missing.items() if key not in guessed}
        try:
            return {**guessed, **await self._deciding.load(unknown)}
        finally:
            self._wake.set()

    def _room(self) -> int:
        """Works that can still be decided for the next batch."""
        decided = len(self._next.decided)
        loading = len(self._loading.works) if self._loading else 0
        written = sum(len(plan.decided) for plan in self._commits.values())
        unsettled = len(self._queue) + loading + decided + written
        return max(0, min(BATCH, max(FEW, unsettled // SHARE)) - decided)

    def _repeats(self, work: Work) -> bool:
        """Whether `work` repeats a command that is being decided: it must wait for that."""
        if work.identity is None:
            return False
        plans = (self._next, *self._commits.values())
        return any(work.identity.command_id in plan.command_ids for plan in plans)

    def _take(self) -> Sequence[Work]:
        """The works to decide now; repeats of decided ones are answered on the way."""
        taken: list[Work] = []
        given: set[str] = set()
        room = self._room()
        while self._queue and len(taken) < room:
            work = self._queue[0]
            if work.identity is not None:
                if self._repeats(work) or work.identity.command_id in given:
                    break
                given.add(work.identity.command_id)
            self._queue.popleft()
            if work.identity is None or not self._batches.receipts.answer(work):
                taken.append(work)
        return taken

    def _unsettled(self) -> Sequence[Work]:
        """Forgets those that have their outcome: now and then is cheaper than one by one."""
        self._pending = [work for work in self._pending if work.told is None]
        return self._pending

    def _launch(self) -> None:
        """Writes what is decided, unless the write before it has not landed yet."""
        if not self._writable():
            return
        self._unsettled()
        landing = self._landing = _Landing(self._next)

        def landed(as_planned: bool) -> None:
            landing.told = as_planned
            self._wake.set()

        commit = asyncio.create_task(self._batches.commit(landing.plan, landed))
        self._commits[commit] = landing.plan
        commit.add_done_callback(self._committed)
        self._next = self._plan()

    def _committed(self, commit: asyncio.Task[None]) -> None:
        plan = self._commits.pop(commit)
        if not commit.cancelled() and (fault := commit.exception()) is not None:
            log.error("a commit broke off", domain=self._domain.name, exc_info=fault)
            give_up(plan)
        self._wake.set()

    def _on_lost(self) -> None:
        self._lost = True
        self._wake.set()

    async def _land(self) -> None:
        """Where a write went otherwise than foreseen, what was decided on it is decided
        again."""
        as_foreseen = not self._lost
        if self._landing is not None and self._landing.told is not None:
            as_foreseen &= self._landing.told
            self._landing = None
        self._lost = False
        if not as_foreseen and self._next.decided:
            works = self._next.works
            self._next = self._plan()
            await self._deciding.decide(works, self._next)
