"""Whatever happens to the shop, its books agree in the end: stock, money, parcels, streams."""

from __future__ import annotations

import pytest

from bus.testing.ground import MemoryGround
from tests.mesh.shop import shop
from tests.simulation import books
from tests.simulation.history import History


@pytest.mark.parametrize("seed", range(12))
async def test_after_any_history_the_books_agree(memory_ground: MemoryGround, seed: int) -> None:
    async with shop(memory_ground, processes=2) as it:
        history = History(it, memory_ground, seed)
        await history.live(120)
        await history.calm()
        await books.agree(it, history)
