"""Plants faults in a running shop, and sees each one found, named by its rule and made right.

    python -m scripts.chaos.planted [--grace SECONDS] [--kill] [--at-once N] [--seed S]

With --kill whoever has a part in it is killed between finding and booking. Exit codes: 0 all was
found in time and made right once, 1 it was not, 2 usage.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.table import Table

from bus.broker.nats import NatsBroker
from bus.settings import Settings
from bus.store.postgres import PostgresStore
from bus.tasks import end
from scripts.chaos import deaf, proof
from scripts.chaos.faulty import FAULTS, Fault, Ground, ground
from scripts.chaos.lives import LIVES, Shop
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.patient import Patient
from scripts.chaos.trail import Course, Trail
from scripts.chaos.until import until
from scripts.commands.output import say

WITHIN = 5.0
"""Seconds after the time of grace in which a fault must be found, if nobody is killed."""
PATIENCE = 180.0
"""Seconds after which one that is not made right breaks the run."""
KILLS = 4
"""Of one process, at most: who dies often is started again later and later."""
MOVED = {name: here for name, here in proof.MONEY.items() if name != "authorised"}
"""What is compared of the provider's books: what it took twice it has held, too."""
STOCK = {"tea": 1000, "cup": 1000}

Count = Annotated[int, Parameter(validator=Number(gte=1))]
Seconds = Annotated[int, Parameter(validator=Number(gte=0))]
Flag = Annotated[bool, Parameter(negative=())]

app = App(name="planted", help="Plants faults, and sees them found and made right.")


class Found(NamedTuple):
    """`after` is how long after the time of grace, `right` how long after that; `others` are rules
    that spoke of the same order, too."""

    fault: Fault
    after: float
    right: float
    course: Course
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

    async def one(self, fault: Fault, id: str) -> Found:
        """Lives the life, with the fault in it. Raises Broken where it is not made right."""
        steps = LIVES[fault.life] if fault.life else ()
        for number in range(len(steps) + 1):
            if number == fault.before:
                await fault.make(self._ground, id)
            if number < len(steps):
                await self._ground.shop.take(steps[number], id)

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
        return Found(fault, after, right, course, others)


@app.default
def main(*, grace: Seconds = 5, kill: Flag = False, at_once: Count = 4, seed: str = "") -> None:
    """Plant each fault once.

    Parameters
    ----------
    grace
        Seconds that something may be late.
    kill
        Kill who is next to do something, again and again.
    at_once
        Faults at the same time.
    seed
        Chance, the same again.
    """
    seed = seed or secrets.token_hex(4)
    say(f"seed {seed}")
    try:
        wrong = asyncio.run(planted(FAULTS, grace, at_once, seed, kill=kill))
    except Broken as broken:
        sys.exit(str(broken))
    sys.exit(bool(wrong))


async def planted(
    faults: Sequence[Fault], grace: int, at_once: int, seed: str, *, kill: bool
) -> Sequence[str]:
    """What is not as it must be, in sentences. Raises Broken."""
    folder = Path(tempfile.mkdtemp(prefix="trueup-planted-"))
    mesh = Mesh(folder, {**deaf.THROUGH, "TRUEUP_GRACE_SECONDS": str(grace)})
    try:
        await mesh.up({})
        killer = Killer(mesh, random.Random(seed))
        found = await _found(mesh, faults, grace, at_once, killer if kill else None)
        wrong = [*_judged(found, timed=not kill), *await _books(mesh)]
    finally:
        await mesh.down()
        shutil.rmtree(folder, ignore_errors=True)
    _show(found)
    if kill:
        total = sum(killer.kills.values())
        print(f"{total} kills: {', '.join(f'{n} {c}' for n, c in sorted(killer.kills.items()))}")
    for sentence in wrong:
        print(sentence)
    return wrong


async def _found(
    mesh: Mesh, faults: Sequence[Fault], grace: int, at_once: int, killer: Killer | None
) -> Sequence[Found]:
    async def ignored(type: str, data: Any) -> None: ...

    settings = Settings.from_environment(mesh.urls)
    broker = NatsBroker(settings.nats_url, name="trueup-planted")
    store = PostgresStore(settings.database_url("reconciliation"), pool=1)
    trail = Trail(store, killer.heard if killer else ignored)
    await broker.open()
    await store.open()
    following = asyncio.create_task(trail.follow())
    try:
        shop = Shop(Patient(broker))
        await shop.stock(**STOCK)
        async with ground(mesh, broker, shop) as there:
            planting, room = Planting(there, trail, grace), asyncio.Semaphore(at_once)

            async def one(number: int, fault: Fault) -> Found:
                async with room:
                    found = await planting.one(fault, f"f-{number:03}")
                    say(f"  {fault.rule}: found after {found.after:.2f} s: {fault.name}")
                    return found

            return await asyncio.gather(*(one(n, fault) for n, fault in enumerate(faults, 1)))
    finally:
        await end([following])
        await store.close()
        await broker.close()


def _judged(found: Sequence[Found], *, timed: bool) -> list[str]:
    wrong = []
    for each in found:
        course = each.course
        if each.after < 0:
            wrong.append(f"{each.fault.name}: found {-each.after:.2f} s before the grace was over")
        if timed and each.after > WITHIN:
            wrong.append(f"{each.fault.name}: found only after {each.after:.2f} s")
        if len(course.asked) != (0 if course.escalated else 1):
            wrong.append(f"{each.fault.name}: compensated {len(course.asked)} times")
    return wrong


async def _books(mesh: Mesh) -> Sequence[str]:
    left = await mesh.trueup("divergences")
    wrong = [left.out] if left.code else []
    audit = await mesh.trueup("audit", "--full", "--grace=5")
    print(audit.out.splitlines()[-1])
    if audit.code:
        wrong.append(audit.out)
    try:
        print(await proof.money(mesh, MOVED))
    except Broken as broken:
        wrong.append(str(broken))
    return wrong


def _show(found: Sequence[Found]) -> None:
    table = Table("fault", "rule", "found after s", "right after s", "also", box=None)
    for each in found:
        right = "a person decides" if each.course.escalated else f"{each.right:.2f}"
        row = (each.fault.name, each.fault.rule, f"{each.after:.2f}", right, ", ".join(each.others))
        table.add_row(*row)
    Console(width=160).print(table)
    after = [each.after for each in found]
    compensated = sum(len(each.course.asked) for each in found)
    print(
        f"{len(found)} faults of {len({each.fault.rule for each in found})} rules, all found: "
        f"median {statistics.median(after):.2f} s after the grace, longest {max(after):.2f} s; "
        f"{compensated} compensations asked for"
    )


if __name__ == "__main__":
    app()
