"""Group commit: everything that arrives while a commit is under way forms the next batch.

Works are decided on arrival, on what the batch in flight will leave if it succeeds. If it
does not, they are decided again. Outcomes are told only after the append has confirmed
what they rest on, refusals and no-ops too.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

import structlog

from bus import answers
from bus.clock import Clock, Ids, uuid7
from bus.decider import Domain
from bus.envelope import Key
from bus.plan import Decided, Plan
from bus.states import Folded, Loads, States
from bus.store.port import Append, Conflict, Head, Store, StoredEvent, StoreUnavailable
from bus.work import (
    Accepted,
    Failed,
    Identity,
    IdReused,
    Outcome,
    Postponed,
    Superseded,
    TurnedDown,
    Work,
)

BATCH = 512
"""Works in one append, at most."""
CONFLICTS = 2
"""Lost races before a batch is decided in a transaction that can't lose."""
RECENT = 10_000
"""Receipts kept in memory, so that a quick repeat costs no failed append."""
RETRY = 0.1
"""Seconds between attempts to learn what became of a commit."""

log = structlog.get_logger()

Behind = Callable[[str], Awaitable[bool]]
"""Whether the domain's copy of an upstream has not reached the end of its stream."""
Appends = Callable[[Append], Awaitable[Head]]


async def _never_behind(_: str) -> bool:
    return False


class Committer:
    """Decides works in the order they come in and writes them in batches. One a process.

    `listeners` hear of each commit's events, in order. Counters: `commits`, `conflicts`
    (appends that lost a race), `exclusives` (batches that had to take the head first).
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
        self._store = store
        self._clock = clock
        self._ids = ids
        self._max_payload = max_payload
        self._behind = behind
        self._states = States(domain)
        self._queue: deque[Work] = deque()
        self._wake = asyncio.Event()
        self._inflight: asyncio.Task[bool] | None = None
        self._inflight_plan: Plan | None = None
        self._recent: OrderedDict[str, tuple[bytes, Accepted | TurnedDown]] = OrderedDict()
        self.listeners: list[Callable[[Sequence[StoredEvent]], None]] = []
        self.available = True
        self.commits = 0
        self.conflicts = 0
        self.exclusives = 0

    @property
    def idle(self) -> bool:
        """Nothing is queued, decided or being written."""
        return not self._queue and self._inflight is None

    @property
    def waiting(self) -> int:
        """Works that are not in a batch yet."""
        return len(self._queue)

    def submit(self, work: Work) -> asyncio.Future[Outcome]:
        """Queues `work`; the future is done after the commit. It never raises."""
        if self.available:
            self._queue.append(work)
            self._wake.set()
        else:
            _tell(work, Postponed(f"{self._domain.name}'s store can't be reached"))
        return work.outcome

    async def run(self) -> None:
        """Works until cancelled; then a batch in flight is still brought to its end."""
        plan = self._plan()
        try:
            while True:
                await self._next_event(plan)
                if self._inflight is not None and self._inflight.done():
                    plan = await self._land(plan)
                await self._decide(self._take(plan), plan, self._store)
                if plan.decided and self._inflight is None:
                    plan = self._launch(plan)
        finally:
            if self._inflight is not None:
                await asyncio.shield(self._inflight)

    def _plan(self) -> Plan:
        return Plan(self._domain, self._beneath, self._ids, self._max_payload)

    def _beneath(self, key: Key) -> Folded | None:
        if self._inflight_plan is not None and key in self._inflight_plan.states:
            return self._inflight_plan.states[key]
        return self._states.get(key)

    async def _next_event(self, plan: Plan) -> None:
        """Waits until there is something to decide or a commit has ended."""
        if self._queue and len(plan.decided) < BATCH and not self._blocked(plan):
            return
        self._wake.clear()
        landed = self._inflight.done() if self._inflight else bool(plan.decided)
        if not landed:
            await self._wake.wait()

    def _blocked(self, plan: Plan) -> bool:
        """Whether the next work repeats a command that is being decided: it must wait."""
        identity = self._queue[0].identity
        if identity is None:
            return False
        plans = (plan, self._inflight_plan)
        return any(identity.command_id in p.command_ids for p in plans if p is not None)

    def _take(self, plan: Plan) -> list[Work]:
        taken: list[Work] = []
        given: set[str] = set()
        while self._queue and len(plan.decided) + len(taken) < BATCH:
            identity = self._queue[0].identity
            if identity is not None and (identity.command_id in given or self._blocked(plan)):
                break
            work = self._queue.popleft()
            if identity is not None and self._answer_again(work, identity):
                continue
            taken.append(work)
            if identity is not None:
                given.add(identity.command_id)
        return taken

    def _answer_again(self, work: Work, identity: Identity) -> bool:
        known = self._recent.get(identity.command_id)
        if known is None:
            return False
        digest, outcome = known
        _tell(work, replace(outcome, replayed=True) if digest == identity.digest else IdReused())
        return True

    async def _decide(self, works: Sequence[Work], plan: Plan, source: Loads) -> None:
        if not works:
            return
        missing = list(dict.fromkeys(key for work in works for key in plan.missing(work)))
        try:
            plan.learn(await self._states.load(source, missing))
        except StoreUnavailable as error:
            self._postpone(works, error)
            return
        now = self._clock.now()
        for work in works:
            open_question = plan.add(work, now)
            if open_question is not None:
                upstream = open_question.upstream
                plan.add(work, now, upstream if await self._behind(upstream) else "")

    def _launch(self, plan: Plan) -> Plan:
        self._inflight_plan = plan
        self._inflight = asyncio.create_task(self._commit(plan))
        self._inflight.add_done_callback(lambda _: self._wake.set())
        return self._plan()

    async def _land(self, plan: Plan) -> Plan:
        """Ends the commit in flight. Where it went otherwise than foreseen, what was
        decided on it is decided again."""
        assert self._inflight is not None
        as_foreseen = self._inflight.result()
        self._inflight = self._inflight_plan = None
        if as_foreseen or not plan.decided:
            return plan
        works = [decided.work for decided in plan.decided]
        again = self._plan()
        await self._decide(works, again, self._store)
        return again

    async def _commit(self, plan: Plan) -> bool:
        """Writes `plan`, whatever it takes. False where anything came out otherwise."""
        works = [decided.work for decided in plan.decided]
        try:
            await self._write(plan, self._store.append)
        except Conflict as conflict:
            await self._recover(works, plan, conflict)
        except StoreUnavailable as error:
            await self._resolve(plan, works, error)
        except Exception as error:  # the culprit is looked for, the others go through
            await self._halve(works, plan, error)
        else:
            return True
        return False

    async def _write(self, plan: Plan, append: Appends) -> None:
        head = await append(plan.append())
        self._states.keep(plan.states)
        self.commits += 1
        await self._confirm(plan, head.position - len(plan.events))

    async def _recover(self, works: Sequence[Work], plan: Plan, conflict: Conflict) -> None:
        """Decides again what can still be decided, until it is written."""
        for attempt in itertools.count(1):
            self.conflicts += 1
            self._states.forget(plan.expected)
            plan = Plan(self._domain, self._states.get, self._ids, self._max_payload)
            try:
                works = await self._settle(works, conflict)
                if attempt < CONFLICTS:
                    await self._decide(works, plan, self._store)
                    await self._write(plan, self._store.append)
                else:
                    plan = Plan(self._domain, _unknown, self._ids, self._max_payload)
                    await self._exclusively(works, plan)
            except Conflict as another:
                conflict = another
                continue
            except StoreUnavailable as error:
                await self._resolve(plan, works, error)
            except Exception as error:
                await self._halve(works, plan, error)
            return

    async def _exclusively(self, works: Sequence[Work], plan: Plan) -> None:
        """In a transaction that holds the head, so that nobody can come between."""
        self.exclusives += 1
        async with self._store.exclusive() as transaction:
            await self._decide(works, plan, transaction)
            await self._write(plan, transaction.append)

    async def _settle(self, works: Sequence[Work], conflict: Conflict) -> Sequence[Work]:
        """Answers the works that have lost for good; gives the others."""
        await self._answer_from_receipts(works, conflict.receipts)
        for work in works:
            overtaken = work.moved is not None and work.moved.upstream in conflict.upstreams
            if overtaken or (work.fired is not None and work.fired in conflict.fired):
                _tell(work, Superseded())
        return [work for work in works if not work.outcome.done()]

    async def _answer_from_receipts(self, works: Iterable[Work], ids: Sequence[str]) -> None:
        if not ids:
            return
        stored = await self._store.receipts(ids)
        for work in works:
            if work.identity is None or work.identity.command_id not in stored:
                continue
            receipt = stored[work.identity.command_id]
            outcome = answers.decode(receipt.answer, receipt.position)
            self._remember(work.identity.command_id, receipt.digest, outcome)
            self._answer_again(work, work.identity)

    async def _confirm(self, plan: Plan, before: int) -> None:
        """Tells the listeners and the senders what has been written behind `before`."""
        stored = [
            StoredEvent(before + number, *event)
            for number, event in enumerate(plan.events, start=1)
        ]
        if stored:
            for listener in self.listeners:
                listener(stored)
        await self._answer_repeats(plan)
        for decided in plan.decided:
            self._tell_decided(decided, before)

    async def _answer_repeats(self, plan: Plan) -> None:
        """What is about to be answered without a receipt may have one from before."""
        unkept = [
            decided.work
            for decided in plan.decided
            if decided.work.identity and not isinstance(decided.outcome, Accepted | TurnedDown)
        ]
        ids = [work.identity.command_id for work in unkept if work.identity]
        try:
            await self._answer_from_receipts(unkept, ids)
        except StoreUnavailable as error:
            self._postpone(unkept, error)

    def _tell_decided(self, decided: Decided, before: int) -> None:
        outcome, identity = decided.outcome, decided.work.identity
        if isinstance(outcome, Accepted | TurnedDown):
            outcome = replace(outcome, position=before + decided.last)
            if identity is not None:
                self._remember(identity.command_id, identity.digest, outcome)
        _tell(decided.work, outcome)

    def _remember(self, command_id: str, digest: bytes, outcome: Accepted | TurnedDown) -> None:
        self._recent[command_id] = (digest, outcome)
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    async def _resolve(self, plan: Plan, works: Sequence[Work], error: StoreUnavailable) -> None:
        """After a broken commit: learns whether it happened before anything is answered."""
        self._states.forget(plan.expected)
        if not error.unknown:
            self._postpone(works, error)
            return
        self.available = False
        log.warning("commit unknown", domain=self._domain.name, reason=str(error))
        while True:
            try:
                before = await self._written_behind(plan)
                break
            except StoreUnavailable:
                await self._clock.sleep(RETRY)
        self.available = True
        if before is not None:
            await self._confirm(plan, before)
            return
        self._postpone(works, error)

    async def _written_behind(self, plan: Plan) -> int | None:
        """The head before the plan's append if that has happened, else None.

        All of a batch is written or nothing, so that its first event or receipt tells.
        """
        if plan.events:
            first = plan.events[0]
            history = (await self._store.load([first.key]))[first.key]
            positions = [e.position for e in history if e.event_id == first.event_id]
            return positions[0] - 1 if positions else None
        receipts = plan.append().receipts
        stored = await self._store.receipts([receipt.command_id for receipt in receipts])
        return min((row.position for row in stored.values()), default=None)

    def _postpone(self, works: Iterable[Work], error: StoreUnavailable) -> None:
        for work in works:
            _tell(work, Postponed(str(error)))

    async def _halve(self, works: Sequence[Work], plan: Plan, error: Exception) -> None:
        """Some work makes the append fail: alone it is answered so, the others are written."""
        self._states.forget(plan.expected)
        if len(works) == 1:
            log.error("append failed", domain=self._domain.name, error=repr(error))
            _tell(works[0], Failed(error))
            return
        middle = len(works) // 2
        for half in (works[:middle], works[middle:]):
            again = Plan(self._domain, self._states.get, self._ids, self._max_payload)
            await self._decide(half, again, self._store)
            await self._commit(again)


def _unknown(_: Key) -> None:
    """The base of a plan that must load everything it rests on."""


def _tell(work: Work, outcome: Outcome) -> None:
    if not work.outcome.done():
        work.outcome.set_result(outcome)
