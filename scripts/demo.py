"""Ordinary customers who keep buying, so that there is something to look at.

It lists a dozen products, receives stock, and then places a few orders a second through the
public commands: most are paid, sent off and delivered, some are cancelled, some declined.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from bus import subjects
from bus.broker.port import Broker, Request, Serving
from bus.clock import Ids, SystemClock, uuid7
from bus.messages import Command, Money
from domains.catalog.messages import ListProduct
from domains.inventory.messages import ReceiveStock
from domains.ordering.messages import CancelOrder, Line, Payment, PlaceOrder
from domains.shipping.messages import DeliverShipment, DispatchShipment
from scripts.sender import Sender

A_SECOND = 3.0
"""Orders a second, on average."""
CANCELLED, DECLINED = 0.06, 0.05
"""The shares of orders that the customer cancels, and of cards that are declined."""
DELIVERY = 100
"""Units of each product that are received at a time."""
PACKING, TRAVELLING = (1.0, 5.0), (3.0, 12.0)
"""Seconds, at least and at most."""
PREFIX = "demo-"

SHELF = {
    sku: ListProduct(
        id=sku, name=name, price=Money(cents, "EUR"), category=category, seller_id=seller
    )
    for sku, name, category, cents, seller in (
        ("tea-1", "Darjeeling First Flush", "tea", 1450, "hill-garden"),
        ("tea-2", "Assam", "tea", 890, "hill-garden"),
        ("tea-3", "Sencha", "tea", 1190, "hill-garden"),
        ("tea-4", "Rooibos", "tea", 640, "hill-garden"),
        ("coffee-1", "Espresso Beans", "coffee", 1590, "north-roast"),
        ("coffee-2", "Filter Roast", "coffee", 1390, "north-roast"),
        ("cup-1", "Cup, Blue", "china", 1200, "potters-yard"),
        ("cup-2", "Cup, White", "china", 1100, "potters-yard"),
        ("pot-1", "Teapot", "china", 3900, "potters-yard"),
        ("kettle-1", "Kettle", "kitchen", 5400, "shop"),
        ("strainer-1", "Strainer", "kitchen", 750, "shop"),
        ("honey-1", "Heather Honey", "food", 820, "shop"),
    )
}
CUSTOMERS = ("ada", "bela", "chidi", "dora", "emil", "farah", "gita", "hugo", "ines", "jun")


@dataclass(frozen=True)
class Visit:
    """A customer comes in `after` seconds, orders, and perhaps thinks better of it."""

    after: float
    order: PlaceOrder
    cancelled: bool


def visits(seed: int, ids: Ids) -> Iterator[Visit]:
    """Customers without end; the same seed brings the same ones."""
    chance = random.Random(seed)
    while True:
        skus = chance.sample(sorted(SHELF), chance.choice((1, 1, 1, 2, 2, 3)))
        lines = [Line(sku=sku, quantity=chance.choice((1, 1, 2, 3))) for sku in skus]
        cost = sum(SHELF[line.sku].price.amount * line.quantity for line in lines)
        token = "tok_decline" if chance.random() < DECLINED else ""
        card = Payment(type="credit_card", amount=Money(cost, "EUR"), token=token)
        customer = chance.choice(CUSTOMERS)
        order = PlaceOrder(id=PREFIX + ids(), customer_id=customer, lines=lines, payments=[card])
        yield Visit(chance.expovariate(A_SECOND), order, chance.random() < CANCELLED)


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


def main() -> None:
    from bus.broker.nats import NatsBroker
    from bus.main import run_until_stopped

    run_until_stopped("demo", lambda settings: Demo(NatsBroker(settings.nats_url, name="demo")))


if __name__ == "__main__":
    main()
