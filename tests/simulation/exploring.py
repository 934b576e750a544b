"""Kills one process of the shop at one fail point, and sees whether all books agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from bus.testing.ground import MemoryGround
from bus.views.memory import MemoryViews, MemoryViewStore
from bus.views.memory_shelf import Shelf
from bus.views.worker import ViewWorker
from scripts.chaos.failpoints import Call, Point
from tests.mesh.shop import DOMAINS, Shop, shop
from tests.simulation import books
from tests.simulation.customers import Customers
from tests.simulation.day import ENDS, VIEWS, Day
from tests.simulation.kinds import mortal_of
from tests.simulation.mortal import Chosen

PROCESSES = (*(domain.name for domain in DOMAINS), *(f"view-{view.name}" for view in VIEWS))
"""Each kind of process that a shop has."""


LONGEST = 60.0
"""Real seconds that a day may take; most take a tenth of one."""


class Lived(NamedTuple):
    """`calls` are those that the process made until it died at `struck`."""

    calls: Sequence[Call]
    struck: Point | None
    deaths: int


async def live(process: str, chosen: Chosen, *, lives: int = 1) -> Lived:
    """A day in which `process` dies where `chosen` says, and after it the process that takes
    its place, and so on, `lives` times. Raises AssertionError where any book is wrong."""
    ground = MemoryGround()
    async with _bounded(), shop(ground, views=VIEWS) as it:
        mortal = mortal_of(it, ground, process, chosen, lives)
        async with mortal.living():
            customers = Customers(it, ground, mortal)
            day = Day(it, customers)
            await day.live()
            await books.agree(it, customers)
            await the_views_are_right(it, ground, day)
            await customers.ask_again()
            await it.mesh.rest()
            await books.every_accepted_command_is_there_once(it, customers)
    return Lived(mortal.calls, mortal.struck, mortal.deaths)


async def the_views_are_right(it: Shop, ground: MemoryGround, day: Day) -> None:
    """They say what the customers expect, and each is what a new one would be."""
    assert await day.ends() == ENDS
    for sku in day.customers.received:
        stock = await day.customers.asks(f"stock.get.{sku}")
        assert (stock["on_hand"], stock["reserved"]) == await it.stock_of(sku)
    new = MemoryViews()
    for view in VIEWS:
        worker = ViewWorker(view, [MemoryViewStore(view, new)], ground.broker(), ground.clock)
        await worker.start()
        it.mesh.workers.append(worker)
    await it.mesh.rest()
    for name, versions in ground.views.shelves.items():
        for version, shelf in versions.items():
            again = new.shelves[name][version]
            assert _standing(shelf) == _standing(again), name
            assert (shelf.checkpoints, shelf.parked) == (again.checkpoints, {}), name


def _standing(shelf: Shelf) -> Mapping[str, Any]:
    """What stands under each key, whichever write left it."""
    return {key: (row.slots, row.shown) for key, row in shelf.rows.items()}


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(LONGEST):
            yield
    except TimeoutError as error:
        raise AssertionError(f"the day does not end within {LONGEST:.0f} s") from error
