"""The demo on a whole mesh."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bus.envelope import Recorded
from bus.messages import Event
from bus.testing.ground import Ground
from scripts.demo.customers import SHELF
from scripts.demo.demo import Demo
from tests.mesh.shop import shop


async def test_orders_of_the_demo_come_to_every_end(ground: Ground) -> None:
    async with shop(ground) as it:
        # Much quicker, and more orders come than one process can take: none would come to its end.
        demo = Demo(it.mesh.ground.broker(), pace=10.0)
        wanted = {"OrderDelivered", "OrderCancelled", "OrderConfirmed"}
        seen: list[Recorded[Event]] = []

        async def all_seen() -> bool:
            it.mesh.clock.advance(timedelta(seconds=0.1))
            after = seen[-1].position if seen else 0
            seen.extend(await it.mesh.events("ordering", after=after))
            return wanted <= {event.type for event in seen}

        await demo.start()
        buying = asyncio.create_task(demo.wait())
        try:
            await it.mesh.until(all_seen, "an order of each end")
        finally:
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
