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
from collections.abc import Sequence
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
from scripts.chaos.altered import found_after
from scripts.chaos.faulty import FAULTS, SETTLED, Fault, ground
from scripts.chaos.lives import Shop
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.patient import Patient
from scripts.chaos.planting import Found, Killer, Planting
from scripts.chaos.trail import Trail
from scripts.commands.output import say

WITHIN = 5.0
"""Seconds after the time of grace in which a fault must be found, if nobody is killed."""
STOCK = {"tea": 1000, "cup": 1000}

Count = Annotated[int, Parameter(validator=Number(gte=1))]
Seconds = Annotated[int, Parameter(validator=Number(gte=0))]
Flag = Annotated[bool, Parameter(negative=())]

app = App(name="planted", help="Plants faults, and sees them found and made right.")


class Plan(NamedTuple):
    """`faults` are planted `at_once` at a time, and then those that only the provider's report
    tells of."""

    faults: Sequence[Fault]
    settled: Sequence[Fault]
    grace: int
    at_once: int
    seed: str
    kill: bool


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
        wrong = asyncio.run(planted(Plan(FAULTS, SETTLED, grace, at_once, seed, kill)))
    except Broken as broken:
        sys.exit(str(broken))
    sys.exit(bool(wrong))


async def planted(plan: Plan) -> Sequence[str]:
    """What is not as it must be, in sentences. Raises Broken."""
    folder = Path(tempfile.mkdtemp(prefix="trueup-planted-"))
    mesh = Mesh(folder, {**deaf.THROUGH, "TRUEUP_GRACE_SECONDS": str(plan.grace)})
    try:
        await mesh.up({})
        killer = Killer(mesh, random.Random(plan.seed))
        found = await _found(mesh, plan, killer if plan.kill else None)
        altered = await found_after(mesh)
        wrong = [*_judged(found, timed=not plan.kill), *await _books(mesh)]
    finally:
        await mesh.down()
        shutil.rmtree(folder, ignore_errors=True)
    _show(found)
    print(f"a row altered in a store: the audit says so after {altered:.2f} s")
    if plan.kill:
        total = sum(killer.kills.values())
        print(f"{total} kills: {', '.join(f'{n} {c}' for n, c in sorted(killer.kills.items()))}")
    for sentence in wrong:
        print(sentence)
    return wrong


async def _found(mesh: Mesh, plan: Plan, killer: Killer | None) -> Sequence[Found]:
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
            planting = Planting(there, trail, plan.grace)
            found = await planting.each(plan.faults, plan.at_once)
            return [*found, *await planting.settled(plan.settled)]
    finally:
        await end([following])
        await store.close()
        await broker.close()


def _judged(found: Sequence[Found], *, timed: bool) -> list[str]:
    wrong = []
    for each in found:
        if each.after < 0:
            wrong.append(f"{each.fault.name}: found {-each.after:.2f} s before the grace was over")
        if timed and each.after > WITHIN:
            wrong.append(f"{each.fault.name}: found only after {each.after:.2f} s")
        if set(each.asked) != {0 if each.escalated else 1}:
            wrong.append(f"{each.fault.name}: compensated {each.asked} times")
        if each.others:
            wrong.append(f"{each.fault.name}: {', '.join(each.others)} spoke, too")
    return wrong


async def _books(mesh: Mesh) -> Sequence[str]:
    left = await mesh.trueup("divergences")
    wrong = [left.out] if left.code else []
    audit = await mesh.trueup("audit", "--full", "--grace=5")
    print(audit.out.splitlines()[-1])
    if audit.code:
        wrong.append(audit.out)
    try:
        print(await proof.kept(mesh))
    except Broken as broken:
        wrong.append(str(broken))
    return wrong


def _show(found: Sequence[Found]) -> None:
    table = Table("fault", "rule", "found after s", "right after s", box=None)
    for each in found:
        right = "a person decides" if each.escalated else f"{each.right:.2f}"
        row = (each.fault.name, each.fault.rule, f"{each.after:.2f}", right)
        table.add_row(*row)
    Console(width=160).print(table)
    after = [each.after for each in found]
    compensated = sum(sum(each.asked) for each in found)
    print(
        f"{len(found)} faults of {len({each.fault.rule for each in found})} rules, all found: "
        f"median {statistics.median(after):.2f} s after the grace, longest {max(after):.2f} s; "
        f"{compensated} compensations asked for"
    )


if __name__ == "__main__":
    app()
