"""The demo on a whole mesh."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bus.testing.ground import Ground
from scripts.demo.customers import SHELF
from scripts.demo.demo import Demo
from tests.mesh.shop import shop


async def test_orders_of_the_demo_come_to_every_end(ground: Ground) -> None:
    async with shop(ground) as it:
        demo = Demo(it.mesh.ground.broker(), pace=100.0)
        await demo.start()
        buying = asyncio.create_task(demo.wait())
        wanted = {"OrderDelivered", "OrderCancelled", "OrderConfirmed"}

        async def all_seen() -> bool:
            it.mesh.clock.advance(timedelta(seconds=0.1))
            return wanted <= {event.type for event in await it.mesh.events("ordering")}

        await it.mesh.until(all_seen, "an order of each end")
        buying.cancel()
        await demo.stop()

        listed = [event.id for event in await it.mesh.events("catalog")]
        assert sorted(listed) == sorted(SHELF)
        causes = {
            event.data.cause  # type: ignore[attr-defined]
            for event in await it.mesh.events("ordering")
            if event.type == "OrderCancelled"
        }
        assert causes <= {"declined", "customer"}
