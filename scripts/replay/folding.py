"""Folds a view from the first events up to given positions, with the runtime's own builder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from bus.broker.port import Broker, BrokerUnavailable, StreamMissing
from bus.clock import Clock, SystemClock
from bus.owner import Owner, OwnerSilent
from bus.view import View
from bus.views.ahead import MOST, Ahead
from bus.views.builder import Builder
from bus.views.gathered import Read
from bus.views.port import ViewStore

Positions = Mapping[str, int]
Told = Callable[[int, int], None]
"""How many events are folded, of how many."""


async def ends(view: View, broker: Broker) -> Positions:
    """Where the view's streams end now. Raises OwnerSilent where one can't be told."""
    found = {}
    for source in view.sources:
        try:
            found[source.contract.domain] = (await broker.stream_state(source.contract.domain)).last
        except (StreamMissing, BrokerUnavailable):
            found[source.contract.domain] = (await Owner(broker, source.contract).read(0, 1))[1]
    return found


def checked(wanted: Positions, ends: Positions) -> Positions:
    """What is wanted, and for the other streams their ends. Raises OwnerSilent, never folds
    up to what is not there yet: that would wait for ever."""
    for domain, position in wanted.items():
        if position > ends[domain]:
            raise OwnerSilent(f"{domain} has not come to {position} yet: it is at {ends[domain]}")
    return {**ends, **wanted}


class Folding:
    """`store` is open, fresh, and nobody else's."""

    def __init__(
        self, store: ViewStore, broker: Broker, goal: Positions, clock: Clock | None = None
    ) -> None:
        self._store = store
        self._broker = broker
        self._goal = goal
        self._clock = clock or SystemClock()
        self._builder = Builder(store, self._clock, lambda: None)
        self._ahead: Mapping[str, Ahead] = {}

    async def run(self, told: Told = lambda _done, _total: None) -> int:
        """How many events it were. Outages are waited for. Raises Halt."""
        await self._builder.begin()
        places = self._builder.checkpoints
        async with AsyncExitStack() as stack:
            for source in self._builder.view.sources:
                domain = source.contract.domain
                ahead = Ahead(self._broker, source.contract, places[domain], self._clock)
                self._ahead = {**self._ahead, domain: ahead}
                await stack.enter_async_context(ahead.reading())
            total = self._missing()
            told(0, total)
            while missing := self._missing():
                await self._builder.put(await self._step(missing))
                told(total - self._missing(), total)
        await self._store.ready()
        return total

    def _missing(self) -> int:
        at = self._builder.checkpoints
        return sum(goal - at[domain].position for domain, goal in self._goal.items())

    async def _step(self, missing: int) -> Mapping[str, Read]:
        """Of each stream in proportion to what is missing: what belongs together is written
        together."""
        found = {}
        for domain, ahead in self._ahead.items():
            left = self._goal[domain] - self._builder.checkpoints[domain].position
            count = left if missing <= MOST else -(-left * MOST // missing)
            if count > 0:
                events = await ahead.take(count)
                found[domain] = await self._builder.read(domain, events)
        return found
