"""The shop's customers, its warehouse and its carrier at work."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import msgspec

from bus import subjects
from bus.broker.port import Broker, Request, Serving
from bus.clock import SystemClock, uuid7
from bus.messages import Command
from domains.inventory.messages import ReceiveStock
from domains.ordering.messages import CancelOrder
from domains.shipping.messages import DeliverShipment, DispatchShipment
from scripts.demo.customers import PREFIX, SHELF, Visit, visits
from scripts.sender import Sender

DELIVERY = 100
"""Units of each product that are received at a time."""
PACKING, TRAVELLING = (1.0, 5.0), (3.0, 12.0)
"""Seconds, at least and at most."""


class Demo:
    """The shop's customers, its warehouse and its carrier, until it is stopped.

    `pace` is how many times as fast as usual everybody is.
    """

    def __init__(self, broker: Broker, seed: int = 1, pace: float = 1.0) -> None:
        self._broker = broker
        self._seed = seed
        self._pace = pace
        self._sender = Sender(broker, SystemClock(), patience=math.inf)
        self._chance = random.Random(seed)
        self._errands: set[asyncio.Task[None]] = set()
        self._sold: Counter[str] = Counter()
        self._watching: Serving | None = None

    async def start(self) -> None:
        """Raises BrokerUnavailable."""
        await self._broker.open()
        planned = subjects.event("shipping", "shipment", "*", "ShipmentPlanned")
        self._watching = await self._broker.subscribe(planned, self._planned)

    async def wait(self) -> None:
        """Opens the shop as soon as it answers, and never closes it."""
        for product in SHELF.values():
            await self._send("catalog", product, command_id=f"demo-list-{product.id}")
            await self._receive(product.id)
        for visit in visits(self._seed, uuid7):
            await self._pass(visit.after)
            self._run(self._visit(visit))

    async def stop(self) -> None:
        if self._watching is not None:
            await self._watching.stop()
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
        await self._broker.close()

    async def _pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._pace)

    def _run(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _visit(self, visit: Visit) -> None:
        await self._send("ordering", visit.order)
        if visit.cancelled:
            await self._pass(self._chance.uniform(0.0, PACKING[1]))
            cancel = CancelOrder(id=visit.order.id, reason="changed my mind")
            await self._send("ordering", cancel)
        for line in visit.order.lines:
            self._sold[line.sku] += line.quantity
            if self._sold[line.sku] >= DELIVERY // 2:
                self._sold[line.sku] -= DELIVERY
                await self._receive(line.sku)

    def _planned(self, request: Request) -> None:
        """What others than this demo's customers have ordered is left to them."""
        id = request.subject.split(".")[3]
        if id.startswith(PREFIX):
            data = msgspec.json.decode(request.body)["data"]
            self._run(self._deliver(id, data["parcel"]))

    async def _deliver(self, order_id: str, parcel: int) -> None:
        await self._pass(self._chance.uniform(*PACKING))
        dispatch = DispatchShipment(id=order_id, parcel=parcel, carrier="bicycle")
        if await self._send("shipping", dispatch):
            await self._pass(self._chance.uniform(*TRAVELLING))
            await self._send("shipping", DeliverShipment(id=order_id, parcel=parcel))

    async def _receive(self, sku: str) -> None:
        await self._send("inventory", ReceiveStock(id=sku, quantity=DELIVERY, note="demo"))

    async def _send(self, domain: str, command: Command, command_id: str = "") -> bool:
        """Whether it was accepted; under one id however often it must be sent."""
        answer = await self._sender.send(domain, command, command_id or uuid7())
        return answer.status == "accepted"
