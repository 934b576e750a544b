"""The writing of a batch, whatever happens on the way: lost races, broken commits, culprits."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from bus.clock import Clock
from bus.decider import Domain
from bus.deciding import Deciding, postpone
from bus.envelope import Key
from bus.plan import KEPT, Decided, Plan
from bus.receipts import Receipts
from bus.store.port import Append, Conflict, Head, Store, StoredEvent, StoreUnavailable
from bus.work import Failed, Superseded, Work, tell

CONFLICTS = 2
"""Lost races before a batch is decided in a transaction that can't lose."""
RETRY = 0.1
"""Seconds between attempts to learn what became of a commit."""
LEAVING = 5.0
"""Seconds that a process which is about to stop goes on with these attempts."""

log = structlog.get_logger()


class NobodyKnows(Exception):
    """What became of a commit was not to be learnt in time."""


Appends = Callable[[Append], Awaitable[Head]]


class Batches:
    """Writes plans. Counters as in Committer.

    `on_lost` hears that a plan which others have built on may have been lost.
    """

    def __init__(self, domain: Domain, store: Store, clock: Clock, deciding: Deciding) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._deciding = deciding
        self.receipts = Receipts(store)
        self.listeners: list[Callable[[Sequence[StoredEvent]], None]] = []
        self.duty_listeners: list[Callable[[Mapping[str, datetime]], None]] = []
        self.on_lost: Callable[[], None] = lambda: None
        self._resolving = 0
        self._leaving: datetime | None = None
        self.commits = 0
        self.conflicts = 0
        self.exclusives = 0

    @property
    def available(self) -> bool:
        """False while it is not known what has become of a commit."""
        return not self._resolving

    def leave(self) -> None:
        """The process is about to stop: no commit is looked up for longer than LEAVING."""
        self._leaving = self._clock.now() + timedelta(seconds=LEAVING)

    async def commit(self, plan: Plan, landed: Callable[[bool], None]) -> None:
        """Writes `plan`, whatever it takes, and tells everybody once it is safe.

        `landed` hears as soon as others may build on it: False where anything came out
        otherwise than planned.
        """
        try:
            written = await self._store.write(plan.append())
        except Exception as error:
            try:
                await self._otherwise(plan, error)
            finally:
                landed(False)
            return
        self._keep(plan)
        landed(True)
        try:
            await written.safe()
        except Exception as error:
            self.on_lost()  # what rests on it is decided again
            await self._resolve(plan, plan.works, StoreUnavailable(str(error), unknown=True))
        else:
            await self._confirm(plan, written.head.position - len(plan.events))

    async def _whole(self, plan: Plan) -> None:
        """As `commit`, where nobody is to build on it before it is safe."""
        try:
            await self._write(plan, self._store.append)
        except Exception as error:
            await self._otherwise(plan, error)

    async def _otherwise(self, plan: Plan, error: Exception) -> None:
        match error:
            case Conflict():
                await self._recover(plan.works, plan, error)
            case StoreUnavailable():
                await self._resolve(plan, plan.works, error)
            case _:  # the culprit is looked for, the others go through
                await self._halve(plan.works, plan, error)

    async def _write(self, plan: Plan, append: Appends) -> None:
        if not plan.decided:
            return
        head = await append(plan.append())
        self._keep(plan)
        await self._confirm(plan, head.position - len(plan.events))

    def _keep(self, plan: Plan) -> None:
        self.commits += 1
        self._deciding.states.keep(plan.states)
        self._deciding.snapshots.committed(plan.events, plan.states)

    async def _recover(self, works: Sequence[Work], plan: Plan, conflict: Conflict) -> None:
        """Decides again what can still be decided, until it is written."""
        for attempt in itertools.count(1):
            self.conflicts += 1
            self._deciding.lost(plan, conflict.keys)
            plan = self._deciding.plan() if attempt < CONFLICTS else self._deciding.plan(_unknown)
            try:
                works = await self._settle(works, conflict)
                await (self._again if attempt < CONFLICTS else self._exclusively)(works, plan)
            except Conflict as another:
                conflict = another
                continue
            except StoreUnavailable as error:
                await self._resolve(plan, works, error)
            except Exception as error:
                await self._halve(works, plan, error)
            return

    async def _again(self, works: Sequence[Work], plan: Plan) -> None:
        await self._deciding.decide(works, plan)
        await self._write(plan, self._store.append)

    async def _exclusively(self, works: Sequence[Work], plan: Plan) -> None:
        """In a transaction that holds the head, so that nobody can come between."""
        self.exclusives += 1
        async with self._store.exclusive() as transaction:
            await self._deciding.decide(works, plan, transaction)
            await self._write(plan, transaction.append)

    async def _settle(self, works: Sequence[Work], conflict: Conflict) -> Sequence[Work]:
        """Answers the works that have lost for good; gives the others."""
        await self.receipts.answer_stored(works, conflict.receipts)
        for work in works:
            overtaken = work.moved is not None and work.moved.upstream in conflict.upstreams
            gone = work.fired in conflict.fired or work.unparked in conflict.unparked
            if overtaken or gone:
                tell(work, Superseded())
        return [work for work in works if work.told is None]

    async def _confirm(self, plan: Plan, before: int) -> None:
        """Tells the listeners and the senders what has been written behind `before`."""
        numbered = enumerate(plan.events, start=before + 1)
        stored = [StoredEvent(position, *event) for position, event in numbered]
        if stored:
            for listener in self.listeners:
                listener(stored)
        if first_due := plan.first_due:
            for duty_listener in self.duty_listeners:
                duty_listener(first_due)
        await self._answer_repeats(plan)
        for decided in plan.decided:
            self._tell(decided, before)

    async def _answer_repeats(self, plan: Plan) -> None:
        """What is about to be answered without a receipt may have one from before."""
        unkept = [
            decided.work
            for decided in plan.decided
            if decided.work.identity and not isinstance(decided.outcome, KEPT)
        ]
        ids = [work.identity.command_id for work in unkept if work.identity]
        try:
            await self.receipts.answer_stored(unkept, ids)
        except StoreUnavailable as error:
            postpone(unkept, str(error))

    def _tell(self, decided: Decided, before: int) -> None:
        outcome = decided.outcome
        if isinstance(outcome, KEPT):
            outcome = replace(outcome, position=before + decided.last)
            if decided.work.identity is not None:
                self.receipts.keep(decided.work.identity, outcome)
        tell(decided.work, outcome)

    async def _resolve(self, plan: Plan, works: Sequence[Work], error: StoreUnavailable) -> None:
        """After a broken commit: learns whether it happened before anything is answered."""
        self._deciding.states.forget(plan.expected)
        try:
            before = await self._outcome_of(plan, error) if error.unknown else None
        except NobodyKnows:
            give_up(plan)
            return
        if before is None:
            postpone(works, str(error))
        else:
            await self._confirm(plan, before)

    async def _outcome_of(self, plan: Plan, error: StoreUnavailable) -> int | None:
        log.warning("commit unknown", domain=self._domain.name, reason=str(error))
        self._resolving += 1
        try:
            while True:
                try:
                    return await self._written_behind(plan)
                except StoreUnavailable:
                    pass
                except Exception:  # whatever it is: nobody knows yet
                    log.exception("commit still unknown", domain=self._domain.name)
                if self._leaving is not None and self._clock.now() >= self._leaving:
                    raise NobodyKnows
                await self._clock.sleep(RETRY)
        finally:
            self._resolving -= 1

    async def _written_behind(self, plan: Plan) -> int | None:
        """The head before the plan's append if that has happened, else None.

        All of a batch is written or nothing, so that its first event or receipt tells.
        """
        if plan.events:
            first = plan.events[0]
            there = await self._store.sequence(
                first.key, after=first.version - 1, upto=first.version
            )
            positions = [e.position for e in there if e.event_id == first.event_id]
            return positions[0] - 1 if positions else None
        receipts = plan.append().receipts
        stored = await self._store.receipts([receipt.command_id for receipt in receipts])
        return min((row.position for row in stored.values()), default=None)

    async def _halve(self, works: Sequence[Work], plan: Plan, error: Exception) -> None:
        """Some work makes the append fail: alone it is answered so, the others are written."""
        self._deciding.states.forget(plan.expected)
        if len(works) == 1:
            log.error("append failed", domain=self._domain.name, error=repr(error))
            tell(works[0], Failed(error))
            return
        middle = len(works) // 2
        for half in (works[:middle], works[middle:]):
            again = self._deciding.plan()
            await self._deciding.decide(half, again)
            await self._whole(again)


def give_up(plan: Plan) -> None:
    """A fault of ours has ended a commit, or we stop while the store is away: nobody waits for
    ever, and who sends the same command again learns what has become of it."""
    postpone(plan.works, "it is not known whether this was recorded: send it again, same id")


def _unknown(_: Key) -> None:
    """What is beneath a plan that must load everything it rests on."""
