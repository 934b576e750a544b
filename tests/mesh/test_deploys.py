"""Each service is deployed on its own while the shop goes on: no command is lost, and none has
to be sent again.

On a cluster, because there a request may be on its way from one server to another when the
process that it was meant for leaves: then it goes to the domain's other process.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec

from bus import subjects
from bus.broker.nats import NatsBroker
from bus.broker.port import Broker, NoResponders
from bus.process import DomainProcess
from bus.testing.ground import ClusterGround
from domains.inventory.messages import ReceiveStock
from projections import orders, stock
from tests.mesh.patience import all_is_well, body
from tests.mesh.shop import DOMAINS, Shop, line, order, shop

PROCESSES = 2 * len(DOMAINS)
ORDERS, DELIVERIES = 2, 10
"""From each of three servers, before and while each process leaves."""
PLACED = PROCESSES * 2 * 3 * ORDERS
DELIVERED = PROCESSES * 2 * 3 * DELIVERIES


async def test_no_command_is_lost_while_services_are_deployed(
    cluster_ground: ClusterGround,
) -> None:
    async with shop(cluster_ground, processes=2, views=[orders.VIEW, stock.VIEW]) as it:
        await it.stock(tea=PLACED)
        desks = [NatsBroker(server.url) for server in cluster_ground.nats.servers]
        for desk in desks:
            await desk.open()
        numbers = itertools.count()
        for old in list(it.mesh.processes):
            await replaced(it, old, desks, numbers)
        for desk in desks:
            await desk.close()
        await all_is_well(it, PLACED, on_hand=PLACED + DELIVERED)


async def replaced(
    it: Shop, old: DomainProcess, desks: Sequence[Broker], numbers: Iterator[int]
) -> None:
    new = await it.mesh.start_process(old.domain)
    await heard_of(it, new, old)
    asking = rush(desks, numbers)
    await asyncio.sleep(0)  # the first requests leave before the process does
    leaving = asyncio.create_task(it.mesh.retire(old))
    asking += rush(desks, numbers)
    assert {await answer for answer in asking} == {"accepted"}
    await leaving


async def heard_of(it: Shop, new: DomainProcess, old: DomainProcess) -> None:
    """Returns when the server that `old` is connected to knows of `new`: nothing else would
    tell it whom to send to instead."""
    id = cast(Any, new)._serving._who["id"]

    async def answers() -> bool:
        try:
            await old.broker.request(f"$SRV.PING.{new.domain.name}.{id}")
        except NoResponders:
            return False
        return True

    await it.mesh.until(answers, f"{new.domain.name} to be heard of")


def rush(desks: Sequence[Broker], numbers: Iterator[int]) -> list[asyncio.Task[str]]:
    """Commands in at each server; each is sent once."""
    delivery = msgspec.json.encode({"quantity": 1})
    sent = []
    for desk in desks:
        for id in (f"o-{next(numbers)}" for _ in range(ORDERS)):
            subject = subjects.command("ordering", "PlaceOrder", id)
            sent.append(asyncio.create_task(status(desk, subject, body(order(id, line("tea"))))))
        subject = subjects.command("inventory", ReceiveStock.__name__, "tea")
        sent += [asyncio.create_task(status(desk, subject, delivery)) for _ in range(DELIVERIES)]
    return sent


async def status(desk: Broker, subject: str, body: bytes) -> str:
    """Raises NoResponders, BrokerUnavailable: where nobody answers, the command may be lost."""
    return str(msgspec.json.decode((await desk.request(subject, body)).body)["status"])
