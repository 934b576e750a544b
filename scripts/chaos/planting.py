"""Lives with a fault in each: what becomes of the fault."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scripts.chaos.charging import settle
from scripts.chaos.faulty import Fault, Ground
from scripts.chaos.lives import LIVES
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.trail import Course, Trail
from scripts.chaos.until import until
from scripts.commands.output import say

PATIENCE = 180.0
"""Seconds after which one that is not made right breaks the run."""
KILLS = 4
"""Of one process, at most: who dies often is started again later and later."""


class Found(NamedTuple):
    """`after` is how long after the time of grace, `right` how long after that; `asked` is how
    often each divergence of the order was compensated, `others` are other rules that spoke of it.
    """

    fault: Fault
    after: float
    right: float
    escalated: bool
    asked: Sequence[int]
    others: Sequence[str]


class Killer:
    """Kills who is next to do something about a divergence."""

    def __init__(self, mesh: Mesh, chance: random.Random) -> None:
        self.kills: Counter[str] = Counter()
        self._mesh = mesh
        self._chance = chance

    async def heard(self, type: str, data: Any) -> None:
        next_ones = {
            "DivergenceDetected": ["view-reconciliation", "reconciliation"],
            "CompensationRequested": ["view-reconciliation", getattr(data, "domain", "")],
        }
        names = [n for n in next_ones.get(type, ()) if self.kills[n] < KILLS]
        if names:
            name = self._chance.choice(names)
            self.kills[name] += 1
            await self._mesh.kill(name)


class Planting:
    def __init__(self, ground: Ground, trail: Trail, grace: int) -> None:
        self._ground = ground
        self._trail = trail
        self._grace = grace
        self._lived = 0

    async def each(self, faults: Sequence[Fault], at_once: int) -> Sequence[Found]:
        """So many at a time. Raises Broken where one is not made right."""
        room = asyncio.Semaphore(at_once)

        async def one(fault: Fault, id: str) -> Found:
            async with room:
                await self._live(fault, id)
                return await self._made_right(fault, id)

        return await asyncio.gather(*(one(fault, self._new_id()) for fault in faults))

    async def settled(self, faults: Sequence[Fault]) -> Sequence[Found]:
        """All together: of them only the provider's report tells. Raises Broken."""
        ids = [self._new_id() for _ in faults]
        pairs = list(zip(faults, ids, strict=True))
        await asyncio.gather(*(self._live(fault, id) for fault, id in pairs))
        await settle(self._ground.mesh, self._ground.provider, datetime.now(UTC).isoformat())
        return await asyncio.gather(*(self._made_right(fault, id) for fault, id in pairs))

    def _new_id(self) -> str:
        self._lived += 1
        return f"f-{self._lived:03}"

    async def _live(self, fault: Fault, id: str) -> None:
        """The life, with the fault in it."""
        steps = LIVES[fault.life] if fault.life else ()
        for number in range(len(steps) + 1):
            if number == fault.before:
                await fault.make(self._ground, id)
            if number < len(steps):
                await self._ground.shop.take(steps[number], id)

    async def _made_right(self, fault: Fault, id: str) -> Found:
        if fault.decide is not None:
            await self._is(fault, id, lambda course: course.escalated)
            await fault.decide(self._ground, id)
        await self._is(fault, id, lambda course: course.ended is not None)
        return self._found(fault, id)

    async def _is(self, fault: Fault, id: str, so: Callable[[Course], bool]) -> None:
        """Returns when the divergence that was planted is so. Raises Broken."""

        async def there() -> bool:
            return any(each.rule == fault.rule and so(each) for each in self._of(id).values())

        try:
            async with asyncio.timeout(PATIENCE):
                await until(there)
        except TimeoutError:
            raise Broken(f"{fault.name} ({id}): {self._of(id)}") from None

    def _of(self, id: str) -> Mapping[str, Course]:
        return {name: each for name, each in self._trail.courses.items() if id in name}

    def _found(self, fault: Fault, id: str) -> Found:
        courses = self._of(id).values()
        course = next(each for each in courses if each.rule == fault.rule)
        after = (course.detected - course.since).total_seconds() - self._grace
        right = (course.ended - course.detected).total_seconds() if course.ended else 0.0
        others = sorted({each.rule for each in courses} - {fault.rule})
        say(f"  {fault.rule}: found after {after:.2f} s: {fault.name}")
        asked = [len(each.asked) for each in courses]
        return Found(fault, after, right, course.escalated, asked, others)
