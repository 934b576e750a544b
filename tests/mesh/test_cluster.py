"""The shop on three NATS servers with streams of three replicas: any one of them may be lost."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from bus.broker.port import BrokerUnavailable, NoResponders
from bus.testing.ground import ClusterGround
from projections import orders, stock
from tests.mesh.shop import Shop, line, order, shop

ORDERS = 24
PATIENCE = 3.0
"""Seconds until a customer asks again; with the same id, so that nothing is ordered twice."""


async def placed(it: Shop, id: str) -> None:
    """Places an order as a patient customer does."""
    while True:
        try:
            answer = await it.mesh.send(
                order(id, line("tea")), command_id=f"place-{id}", timeout=PATIENCE
            )
        except (BrokerUnavailable, NoResponders):
            await it.mesh.ground.breathe()
            continue
        if answer["status"] != "unavailable":
            assert answer["status"] == "accepted", answer
            return


async def all_is_well(it: Shop) -> None:
    """Each order was accepted once, has its unit and is paid once; views and streams agree."""
    for n in range(ORDERS):
        await it.until("ordering", f"o-{n}", "OrderConfirmed")
    await it.mesh.rest()
    assert await it.stock_of("tea") == (ORDERS, ORDERS)
    assert it.money() == {"held": ORDERS * 1100, "kept": 0}
    for n in range(ORDERS):
        assert len(await it.all("ordering", f"o-{n}", "OrderPlaced")) == 1
    (row,) = (await it.mesh.query("orders", "counts"))["rows"]
    assert (row["state"], row["count"]) == ("confirmed", ORDERS)
    assert (await it.mesh.query("stock", "get", "tea"))["reserved"] == ORDERS
    for name, store in it.mesh.stores.items():
        stored = await store.read(0, 10_000)
        kept = [await it.mesh.broker.stream_get(name, event.position) for event in stored]
        assert kept == [event.body for event in stored]


async def test_any_server_may_be_lost_under_orders(cluster_ground: ClusterGround) -> None:
    async with shop(cluster_ground, processes=2, views=[orders.VIEW, stock.VIEW]) as it:
        await it.stock(tea=ORDERS)
        customers = [asyncio.create_task(placed(it, f"o-{n}")) for n in range(3)]
        for number, server in enumerate(cluster_ground.nats.servers, 1):
            server.kill()
            more = range(7 * (number - 1) + 3, 7 * number + 3)
            customers += [asyncio.create_task(placed(it, f"o-{n}")) for n in more]
            await asyncio.gather(*customers)
            for n in more:  # the streams go on with two of three
                await it.until("ordering", f"o-{n}", "OrderConfirmed")
            await cluster_ground.nats.start()
        await all_is_well(it)


async def test_streams_may_change_their_leader_under_orders(
    cluster_ground: ClusterGround,
) -> None:
    async with shop(cluster_ground, processes=2, views=[orders.VIEW, stock.VIEW]) as it:
        await it.stock(tea=ORDERS)
        customers = [asyncio.create_task(placed(it, f"o-{n}")) for n in range(ORDERS)]
        elections = 0
        while not all(customer.done() for customer in customers) or not elections:
            for name in it.mesh.domains:
                elections += await stepped_down(it, name.upper())
        await asyncio.gather(*customers)
        await all_is_well(it)


async def stepped_down(it: Shop, stream: str) -> bool:
    """Whether the stream's leader has given way to another."""
    subject = f"$JS.API.STREAM.LEADER.STEPDOWN.{stream}"
    try:
        answer: dict[str, Any] = msgspec.json.decode((await it.mesh.request(subject)).body)
    except (BrokerUnavailable, NoResponders):  # no leader at the moment
        return False
    return bool(answer.get("success"))
