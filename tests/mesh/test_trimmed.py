"""Streams that keep the last few events only: what they have let go of is the owner's to give."""

from __future__ import annotations

import pytest

from bus.broker.nats import NatsBroker
from bus.broker.port import Broker
from bus.broker.streams import StreamSettings
from bus.testing.ground import Ground, MemoryGround, RealGround
from bus.testing.mesh import Mesh
from domains.inventory.messages import ReceiveStock
from domains.shipping.domain import DOMAIN as SHIPPING
from projections import orders, stock
from scripts.check_streams import compare
from tests.mesh.shop import line, order, shop

KEPT = 5
ORDERS = 15


class TrimmedGround(RealGround):
    def broker(self) -> Broker:
        return NatsBroker(self.nats.url, streams=StreamSettings(max_msgs=KEPT))


@pytest.fixture(params=["memory", "real"])
def trimmed_ground(request: pytest.FixtureRequest) -> Ground:
    if request.param == "memory":
        return MemoryGround()
    return TrimmedGround(request.getfixturevalue("servers"))


async def trim(ground: MemoryGround, mesh: Mesh, domain: str) -> None:
    """As a limit of the stream does."""
    head = (await mesh.stores[domain].head()).position

    async def relayed() -> bool:
        return (await mesh.broker.stream_state(domain)).last == head

    await mesh.until(relayed, f"{domain}'s stream at {head}")
    ground.server.trim(domain, head - KEPT + 1)


async def test_who_comes_late_misses_nothing_of_trimmed_streams(trimmed_ground: Ground) -> None:
    async with shop(trimmed_ground) as it:
        (shipping,) = [p for p in it.mesh.processes if p.domain is SHIPPING]
        await it.mesh.kill(shipping)
        await it.accepted(ReceiveStock(id="tea", quantity=ORDERS))
        for n in range(ORDERS):
            await it.accepted(order(f"o-{n}", line("tea")))
        for n in range(ORDERS):
            await it.until("ordering", f"o-{n}", "OrderConfirmed")
        if isinstance(trimmed_ground, MemoryGround):
            for name in ("inventory", "ordering", "payments"):
                await trim(trimmed_ground, it.mesh, name)
        state = await it.mesh.broker.stream_state("ordering")
        assert state.first > state.last - KEPT >= KEPT
        await it.mesh.start_process(SHIPPING)
        for view in (orders.VIEW, stock.VIEW):
            await it.mesh.start_worker(view)
        await it.mesh.rest()
        for n in range(ORDERS):
            assert await it.names("shipping", f"o-{n}") == ["ShipmentPlanned"]
        (row,) = (await it.mesh.query("orders", "counts"))["rows"]
        assert (row["state"], row["count"]) == ("confirmed", ORDERS)
        assert (await it.mesh.query("stock", "get", "tea"))["reserved"] == ORDERS
        for name, store in it.mesh.stores.items():
            found = await compare(name, store, it.mesh.broker)
            assert found.equal, found
            if name in ("inventory", "ordering", "payments"):
                assert found.trimmed >= found.head - KEPT > 0
