"""Customers of a shop on several servers, and how all of it must look in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bus import subjects
from bus.broker.port import BrokerUnavailable, NoResponders
from domains.ordering.messages import PlaceOrder
from tests.mesh.shop import Shop, line, order

PATIENCE = 3.0
"""Seconds until a customer asks again; with the same id, so that nothing is ordered twice."""


async def placed(it: Shop, id: str) -> None:
    """Places an order as a patient customer does."""
    while True:
        answer = await asked(it, subjects.command("ordering", "PlaceOrder", id), id)
        if answer.get("status", "unavailable") != "unavailable":
            assert answer["status"] == "accepted", answer
            return


async def submitted(it: Shop, id: str) -> None:
    """Leaves an order with the broker; returns when it is stored there."""
    while "seq" not in await asked(it, subjects.submission("ordering", "PlaceOrder", id), id):
        pass


async def asked(it: Shop, subject: str, id: str) -> Mapping[str, Any]:
    """The answer to an order for one unit of tea; empty where there was none in time."""
    headers = {"Nats-Msg-Id": f"place-{id}"}
    try:
        reply = await it.mesh.request(subject, body(order(id, line("tea"))), headers, PATIENCE)
    except (BrokerUnavailable, NoResponders):
        await it.mesh.ground.breathe()
        return {}
    return dict(msgspec.json.decode(reply.body))


def body(placing: PlaceOrder) -> bytes:
    fields = msgspec.to_builtins(placing)
    return msgspec.json.encode({k: v for k, v in fields.items() if k not in ("id", "type")})


async def all_is_well(it: Shop, orders: int, *, on_hand: int | None = None) -> None:
    """Each of the orders o-0 … was accepted once, has its unit and is paid once; views and
    streams agree."""
    for n in range(orders):
        await it.until("ordering", f"o-{n}", "OrderConfirmed")
    await it.mesh.rest()
    there, wanted = await it.stock_of("tea"), (orders if on_hand is None else on_hand, orders)
    assert there == wanted, (there, wanted)
    assert it.money() == {"held": orders * 1100, "kept": 0}
    placed = [event.id for event in await it.mesh.events("ordering") if event.type == "OrderPlaced"]
    assert sorted(placed) == sorted(f"o-{n}" for n in range(orders))
    await views_are_right(it, orders)
    await streams_equal_stores(it)


async def views_are_right(it: Shop, orders: int) -> None:
    (row,) = (await it.mesh.query("orders", "counts"))["rows"]
    assert (row["state"], row["count"]) == ("confirmed", orders)
    assert (await it.mesh.query("stock", "get", "tea"))["reserved"] == orders


async def streams_equal_stores(it: Shop) -> None:
    for name, store in it.mesh.stores.items():
        stored = await store.read(0, 100_000)
        assert (await it.mesh.broker.stream_state(name)).last == len(stored)
        kept = [await it.mesh.broker.stream_get(name, event.position) for event in stored]
        assert kept == [event.body for event in stored]
