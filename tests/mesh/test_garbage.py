"""A process that answers for years leaves nothing behind that must be searched for."""

from __future__ import annotations

import gc

from bus.broker.inbound import Inbound
from bus.testing.ground import Ground
from bus.work import Work
from domains.inventory.messages import ReceiveStock
from tests.mesh.shop import shop

COMMANDS = 50


async def test_what_was_answered_is_free_without_the_garbage_collector(ground: Ground) -> None:
    async with shop(ground) as it:
        gc.collect()
        gc.disable()
        try:
            for _ in range(COMMANDS):
                await it.accepted(ReceiveStock(id="tea", quantity=1))
            await it.mesh.rest()
            left = [one for one in gc.get_objects() if isinstance(one, Inbound | Work)]
        finally:
            gc.enable()
        assert len(left) < COMMANDS
