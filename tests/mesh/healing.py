"""A shop with a fault, and somebody who reconciles its books."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast

from bus.broker.port import Broker, Reply
from bus.decider import Domain, Reaction
from bus.envelope import Key, Recorded
from bus.messages import Command, Event
from bus.testing.ground import Ground
from bus.view import View
from projections.reconciliation import VIEW
from projections.reconciliation.worker import Reconciler
from scripts.chaos.forged import forged
from tests.mesh.shop import DOMAINS, Shop, shop

GRACE = timedelta(seconds=30)
LOOKS = 6
"""More than that one fault never needs."""

T = TypeVar("T")


class Healing:
    def __init__(self, it: Shop) -> None:
        self.it = it
        self.reconciler = Reconciler(it.mesh.broker, GRACE, it.mesh.clock)

    async def look(self) -> int:
        """One look, as the process takes it."""
        return await self.meanwhile(self.reconciler.look())

    async def meanwhile(self, asking: Coroutine[Any, Any, T]) -> T:
        """What `asking` gives, while the mesh goes on."""
        task = asyncio.create_task(asking)
        while not task.done():
            await self.it.mesh.ground.breathe()
        return task.result()

    async def heal(self) -> None:
        """Looks until there is nothing more to tell."""
        await self.it.mesh.rest()
        for _ in range(LOOKS):
            await self.it.mesh.advance(GRACE + timedelta(seconds=1))
            told = await self.look()
            await self.it.mesh.rest()
            if not told:
                return
        raise AssertionError("there is always something more to tell")

    async def killed_at_each_request(self, times: int, *, asks: bool) -> None:
        """Looks `times` times, each of them by somebody who lives for one request longer than the
        one before, and dies before it has left, or after."""
        for lived in range(times):
            dying = cast(Broker, _Dying(self.it.mesh.broker, lived, asks=asks))
            self.reconciler = Reconciler(dying, GRACE, self.it.mesh.clock)
            with suppress(_Killed):
                await self.look()
            await self.it.mesh.rest()
        self.reconciler = Reconciler(self.it.mesh.broker, GRACE, self.it.mesh.clock)

    async def told(self, *types: str) -> list[tuple[str, str]]:
        """What RECONCILIATION says: pairs of event and rule, or those of the types."""
        found = await self.it.mesh.events("reconciliation")
        of_a_divergence = [e for e in found if e.aggregate == "divergence"]
        return [
            (e.type, e.data.rule)  # type: ignore[attr-defined]
            for e in of_a_divergence
            if not types or e.type in types
        ]

    async def nothing_was_done_twice(self) -> None:
        events = await self.it.mesh.events("reconciliation")
        asked = Counter(e.id for e in events if e.type == "CompensationRequested")
        assert set(asked.values()) <= {1}, asked


@asynccontextmanager
async def healing(
    ground: Ground, domains: Sequence[Domain] = DOMAINS, views: Sequence[View] = ()
) -> AsyncIterator[Healing]:
    """With `views` beside the one that knows what does not agree."""
    async with shop(ground, domains=domains, views=[VIEW, *views]) as it:
        yield Healing(it)


def deaf(domain: str, upstream: str, event: str) -> Sequence[Domain]:
    """The shop's domains, one of which does nothing about such events."""
    return [
        replace(each, reactions=_deafened(each.reactions, upstream, event))
        if each.name == domain
        else each
        for each in DOMAINS
    ]


def _deafened(reactions: Iterable[Reaction], upstream: str, event: str) -> Sequence[Reaction]:
    def without(reaction: Reaction) -> Reaction:
        def react(recorded: Recorded[Any]) -> Iterable[Command]:
            return () if recorded.type == event else reaction.react(recorded)

        return replace(reaction, react=react)

    return [without(each) if each.upstream.domain == upstream else each for each in reactions]


async def plant(it: Shop, domain: str, key: Key, *events: Event, caused_by: str = "") -> None:
    """Writes what no decider has decided, beside the domain's process."""
    store, contract = it.mesh.stores[domain], it.mesh.domains[domain].contract
    version = (await store.versions([key])).get(key, 0)
    now = it.mesh.clock.now()
    await store.append(forged(contract, key, version, *events, time=now, caused_by=caused_by))


class _Dying:
    """A broker of somebody who is killed when he has asked `times` times, before or after it."""

    def __init__(self, broker: Broker, times: int, *, asks: bool) -> None:
        self._broker = broker
        self._left = times
        self._asks = asks

    async def request(self, *asked: Any, **more: Any) -> Reply:
        self._left -= 1
        if self._left < 0:
            if self._asks:
                await self._broker.request(*asked, **more)
            raise _Killed
        return await self._broker.request(*asked, **more)


class _Killed(Exception):
    pass
