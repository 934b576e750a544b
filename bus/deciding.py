"""From works to plans: what is known of the aggregates that they rest on, and deciding."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bus.clock import Clock, Ids
from bus.decider import Domain
from bus.envelope import Key
from bus.folding import beginning
from bus.guesses import Guesses, Kind
from bus.plan import Plan
from bus.snapshots import Snapshots
from bus.states import Folded, Loads, States
from bus.store.port import Store, StoreUnavailable
from bus.work import Postponed, Work, tell

Behind = Callable[[str], Awaitable[bool]]
"""Whether the domain's copy of an upstream has not reached the end of its stream."""
Beneath = Callable[[Key], Folded | None]


class Deciding:
    """`behind` tells whether the copy of an upstream has not reached its end."""

    def __init__(
        self,
        domain: Domain,
        store: Store,
        clock: Clock,
        *,
        ids: Ids,
        max_payload: int,
        behind: Behind,
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._ids = ids
        self._max_payload = max_payload
        self._behind = behind
        self._guesses = Guesses()
        self.snapshots = Snapshots(domain, store)
        self.states = States(domain, self.snapshots)

    def plan(self, beneath: Beneath | None = None) -> Plan:
        return Plan(self._domain, beneath or self.states.get, self._ids, self._max_payload)

    def guess(self, missing: Mapping[Key, Kind]) -> Mapping[Key, Folded]:
        """The states of those that need not be loaded."""
        new = [key for key, kind in missing.items() if self._guesses.new(kind)]
        return {key: beginning(self._domain, key) for key in new}

    async def load(self, missing: Mapping[Key, Kind]) -> Mapping[Key, Folded]:
        """Their states; none where the store can't be reached."""
        try:
            states = await self.states.load(self._store, list(missing))
        except StoreUnavailable:
            return {}  # whoever needs one of them tries again, and is told
        self._guesses.loaded(missing, states)
        return states

    async def decide(self, works: Sequence[Work], plan: Plan, source: Loads | None = None) -> None:
        """Adds `works` to `plan`, loading what they need; postpones them if that fails."""
        if missing := plan.missing(works):
            try:
                plan.learn(await self.states.load(source or self._store, list(missing)))
            except StoreUnavailable as error:
                postpone(works, str(error))
                return
        await self.add(works, plan)

    async def add(self, works: Sequence[Work], plan: Plan) -> None:
        """Decides `works`, for which nothing is missing, into `plan`."""
        now = self._clock.now()
        for work in works:
            open_question = plan.add(work, now)
            if open_question is not None:
                upstream = open_question.upstream
                plan.add(work, now, upstream if await self._behind(upstream) else "")

    def lost(self, plan: Plan, keys: Iterable[Key]) -> None:
        """Others were quicker: nothing of what `plan` rests on is known any more, and what
        `keys` name may have been wrong guesses."""
        self._guesses.wrong(keys)
        self.states.forget(plan.expected)


def postpone(works: Iterable[Work], reason: str) -> None:
    for work in works:
        tell(work, Postponed(reason))
