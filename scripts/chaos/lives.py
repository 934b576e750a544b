"""What can become of an order, step by step, as people and carriers would send it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from bus import subjects
from bus.clock import uuid7
from bus.messages import Command, Money
from domains.catalog.messages import ChangePrice, ListProduct
from domains.inventory.messages import CountStock, ReceiveReturn, ReceiveStock, ReturnedPart
from domains.ordering.messages import (
    CancelOrder,
    Line,
    Payment,
    PlaceOrder,
    RequestReturn,
    ReturnLine,
)
from domains.shipping.messages import (
    DeliverShipment,
    DispatchShipment,
    FailDelivery,
    LoseShipment,
)
from scripts.chaos.mesh import Broken
from scripts.chaos.patient import Patient
from scripts.chaos.until import LOOK, until

PATIENCE = 120.0
"""Seconds that a step may take to be possible: one that was lost must be found and made up for."""
DOMAINS: Mapping[type[Command], str] = {
    ListProduct: "catalog",
    ChangePrice: "catalog",
    ReceiveStock: "inventory",
    CountStock: "inventory",
    ReceiveReturn: "inventory",
    PlaceOrder: "ordering",
    CancelOrder: "ordering",
    RequestReturn: "ordering",
    DispatchShipment: "shipping",
    DeliverShipment: "shipping",
    FailDelivery: "shipping",
    LoseShipment: "shipping",
}


class Step(NamedTuple):
    """Taken when the order's facts have the mark `when`, which is `<domain>/<event>`."""

    command: Command
    when: str = ""


Life = Sequence[Step]
"""The commands' ids are "": a life is lived under any id."""
OWN = ""
"""The SKU that only this life knows: it has the same id."""


def euro(cents: int) -> Money:
    return Money(cents, "EUR")


def line(sku: str, seller: str = "s-1") -> Line:
    return Line(sku=sku, quantity=1, price=euro(1000), freight=euro(100), seller_id=seller)


def _place(*lines: Line, token: str = "") -> Step:
    amount = euro(1100 * len(lines))
    pays = Payment(type="credit_card", amount=amount, token=token)
    return Step(PlaceOrder(id="", customer_id="c-7", lines=list(lines), payments=[pays]))


def _back(sku: str, exchange: bool) -> Life:
    lines = [ReturnLine(line=1, quantity=1)]
    parts = [ReturnedPart(sku=sku, sellable=0, scrapped=1)]
    return (
        Step(RequestReturn(id="", lines=lines, exchange=exchange), "ordering/OrderDelivered"),
        Step(ReceiveReturn(id="", number=1, parts=parts), "inventory/ReturnExpected:1"),
    )


_ONE = _place(line("cup"))
_TWO = _place(line("tea"), line("cup", seller="s-2"))
_PLANNED = "shipping/ShipmentPlanned:1"
_LEFT = Step(DispatchShipment(id=""), _PLANNED)
_ARRIVED = Step(DeliverShipment(id=""))
LIVES: Mapping[str, Life] = {
    "waiting": (_ONE,),
    "sent": (_ONE, _LEFT),
    "whole": (
        _TWO,
        _LEFT,
        Step(DispatchShipment(id="", parcel=2)),
        _ARRIVED,
        Step(DeliverShipment(id="", parcel=2)),
    ),
    "half": (_TWO, _LEFT, Step(CancelOrder(id=""), "ordering/OrderPartlyShipped:1")),
    "none of it": (_ONE, Step(CancelOrder(id=""), _PLANNED)),
    "short": (_place(line("nothing")),),
    "declined": (_place(line("cup"), token="tok_decline"),),
    "failed": (_ONE, _LEFT, Step(FailDelivery(id=""))),
    "lost": (_ONE, _LEFT, Step(LoseShipment(id=""))),
    "back": (_ONE, _LEFT, _ARRIVED, *_back("cup", exchange=False)),
    "swapped": (
        *(_ONE, _LEFT, _ARRIVED, *_back("cup", exchange=True)),
        Step(DispatchShipment(id="", parcel=2), "shipping/ShipmentPlanned:2"),
        Step(DeliverShipment(id="", parcel=2)),
    ),
    "listed": (
        Step(ListProduct(id="", name="Tea", price=euro(450))),
        Step(ChangePrice(id="", price=euro(500))),
    ),
    "stocked": (Step(ReceiveStock(id="", quantity=10)),),
    "gone": (
        Step(ReceiveStock(id="", quantity=1)),
        *(_place(line(OWN)), _LEFT, _ARRIVED, *_back(OWN, exchange=True)),
    ),
}


class Shop:
    """Sends commands until they are accepted."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    async def stock(self, **units: int) -> None:
        for sku, quantity in units.items():
            await self.accepted(ReceiveStock(id=sku, quantity=quantity))

    async def take(self, step: Step, id: str) -> None:
        if step.when:
            await self.told(id, step.when)
        await self.accepted(_of(step.command, id))

    async def told(self, id: str, mark: str) -> None:
        """Returns when the facts of the order say so. Raises Broken."""
        domain, _, name = mark.partition("/")

        async def there() -> bool:
            facts = (await self.facts(id)).get("facts", {})
            return name in facts.get(domain, {}).get("marks", {})

        await _within(there, lambda: f"{id} never had {mark}")

    async def facts(self, id: str) -> Mapping[str, Any]:
        """The order's row of facts; where there is none, what was answered instead."""
        reply = await self._patient.ask(subjects.query("reconciliation", "order", id), b"")
        found: dict[str, Any] = msgspec.json.decode(reply.body)
        return found

    async def accepted(self, command: Command) -> None:
        """Raises Broken where it is never accepted. What comes too early is sent again."""
        name = type(command).__name__
        subject = subjects.command(DOMAINS[type(command)], name, command.id)
        said = b""

        async def taken() -> bool:
            nonlocal said
            header = {"Nats-Msg-Id": uuid7()}
            said = (await self._patient.ask(subject, msgspec.json.encode(command), header)).body
            if msgspec.json.decode(said)["status"] == "accepted":
                return True
            await asyncio.sleep(LOOK)
            return False

        await _within(taken, lambda: f"{name} {command.id} is not accepted: {said.decode()}")


def _of(command: Command, id: str) -> Command:
    match command:
        case PlaceOrder(lines=lines):
            own = [replace(line, sku=line.sku or id) for line in lines]
            return replace(command, id=id, lines=own)
        case ReceiveReturn(parts=parts):
            return replace(command, id=id, parts=[replace(p, sku=p.sku or id) for p in parts])
        case _:
            return replace(command, id=id)


async def _within(there: Callable[[], Awaitable[bool]], otherwise: Callable[[], str]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await until(there)
    except TimeoutError:
        raise Broken(otherwise()) from None
