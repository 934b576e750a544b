"""Each domain's leader says how far it is in the streams that it reacts to."""

from __future__ import annotations

import msgspec

from bus.status import Status
from bus.testing.ground import Ground
from domains.catalog.messages import ListProduct
from tests.mesh.shop import Shop, euro, line, order, shop


async def told(it: Shop, domain: str) -> Status:
    reply = await it.mesh.request(f"status.{domain}")
    return msgspec.json.decode(reply.body, type=Status)


async def test_a_domain_at_rest_is_behind_in_nothing_that_it_reacts_to(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.accepted(ListProduct(id="tea", name="Tea", price=euro(1000), category="drinks"))
        await it.stock(tea=5)
        await it.accepted(order("o-1", line("tea", 1)))
        await it.mesh.rest()
        ordering = await told(it, "ordering")
        assert ordering.streams.keys() == ordering.positions.keys()
        assert {"inventory", "payments", "shipping"} <= ordering.streams.keys()
        for domain, lag in ordering.streams.items():
            assert (lag.position, lag.behind, lag.oldest, lag.stalled) == (
                ordering.positions[domain],
                0,
                0.0,
                False,
            )
        assert ordering.streams["inventory"].rate > 0
