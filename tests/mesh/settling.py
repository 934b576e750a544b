"""A shop whose provider hands in its settlement report, and the faults that this may show."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from bus.messages import Money
from domains.payments.messages import Movement
from domains.payments.provider import MovementLine
from scripts.settlement.settler import Settled, Settler
from tests.mesh.healing import Healing


async def settle(
    they: Healing, lines: Sequence[MovementLine] | None = None, until: datetime | None = None
) -> Settled:
    """Hands in what the provider says up to now, or `lines`, as `trueup settle` does."""
    it = they.it
    given = it.provider.settlement() if lines is None else lines
    settler = Settler(it.mesh.broker, it.mesh.clock, None, until or it.mesh.clock.now())
    settling = asyncio.create_task(settler.settle(by_order(given), lambda done, total: None))
    while not settling.done():
        await it.mesh.ground.breathe()
    settled = settling.result()
    assert settled.refused == []
    await it.mesh.rest()
    return settled


def by_order(lines: Sequence[MovementLine]) -> dict[str, list[Movement]]:
    orders: defaultdict[str, list[Movement]] = defaultdict(list)
    for line in lines:
        movement = Movement(
            id=line.movement,
            time=line.time,
            payment=line.payment,
            reference=line.reference,
            kind=line.kind,
            amount=Money(line.amount, line.currency),
        )
        orders[line.order].append(movement)
    return dict(orders)


def moved(they: Healing, order: str, payment: int = 1, kind: str = "captured") -> MovementLine:
    """The one movement of that kind."""
    (line,) = [
        each
        for each in they.it.provider.settlement()
        if (each.order, each.payment, each.kind) == (order, payment, kind)
    ]
    return line
