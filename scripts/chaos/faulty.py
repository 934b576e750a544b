"""What is made wrong, one class of fault each, and the rule that must name it.

Most are reactions that a domain does not have; the others are written into a store behind its
domain's back, or into the provider's books.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from bus import subjects
from bus.broker.port import Broker
from bus.contract import Contract
from bus.envelope import Key
from bus.messages import Event
from bus.settings import Settings
from bus.store.port import Conflict
from bus.store.postgres import PostgresStore
from domains.inventory import messages as inventory
from domains.inventory.messages import (
    CountStock,
    Part,
    StockReserved,
    UnitsReserved,
    UnitsReturned,
    UnitsShipped,
)
from domains.ordering import messages as ordering
from domains.ordering.messages import OrderLine, OrderPayment, OrderPlaced
from domains.payments import messages as payments
from domains.payments.messages import PaymentCaptured
from domains.shipping import messages as shipping
from domains.shipping.messages import DispatchShipment
from projections.reconciliation.obligations import OBLIGATIONS
from scripts.chaos.charging import Provider
from scripts.chaos.deaf import Ears
from scripts.chaos.forged import forged
from scripts.chaos.lives import Shop, euro
from scripts.chaos.mesh import Mesh
from scripts.chaos.until import until

HISTORY = 1000
"""More events than anything here has."""
CONTRACTS: Mapping[str, Contract] = {
    module.CONTRACT.domain: module.CONTRACT for module in (inventory, ordering, payments, shipping)
}


class Ground(NamedTuple):
    """A running mesh, with all that may be tampered with."""

    mesh: Mesh
    broker: Broker
    shop: Shop
    provider: Provider
    stores: Mapping[str, PostgresStore]

    async def only(self, domain: str, id: str, type: str) -> Any:
        """The one event of that type."""
        (found,) = [e for e in await self.stores[domain].history(id, 0, HISTORY) if e.type == type]
        return CONTRACTS[domain].decode(found.position, found.body).data

    async def write(self, domain: str, key: Key, event: Event) -> None:
        """It is published as what a second process has decided is."""
        store = self.stores[domain]
        while True:
            try:
                version = (await store.versions([key])).get(key, 0)
                await store.append(
                    forged(CONTRACTS[domain], key, version, event, time=datetime.now(UTC))
                )
            except Conflict:
                continue  # the domain was first
            await self.broker.publish(subjects.hint(domain), b"")
            return


@asynccontextmanager
async def ground(mesh: Mesh, broker: Broker, shop: Shop) -> AsyncIterator[Ground]:
    settings = Settings.from_environment(mesh.urls)
    async with AsyncExitStack() as stack:
        stores = {}
        for domain in CONTRACTS:
            store = PostgresStore(settings.database_url(domain), pool=1)
            await store.open()
            stack.push_async_callback(store.close)
            stores[domain] = store
        yield Ground(mesh, broker, shop, Provider(mesh), stores)


Make = Callable[[Ground, str], Awaitable[None]]


class Fault(NamedTuple):
    """Made by `make(ground, id)` in the life of that name, before its step `before`. Where a person
    must decide, `decide` is what he does."""

    name: str
    rule: str
    life: str
    before: int
    make: Make
    decide: Make | None = None


def _deaf(domain: str, upstream: str, event: str) -> Make:
    async def make(ground: Ground, id: str) -> None:
        Ears(ground.mesh.home.path, domain, upstream).close(event, id)

    return make


LOST: Mapping[str, tuple[str, int]] = {
    **dict.fromkeys(("not-reserved", "payment-not-asked", "not-collected"), ("waiting", 0)),
    **dict.fromkeys(("not-confirmed", "confirmed-without-shipment"), ("waiting", 0)),
    "refusal-unheard": ("short", 0),
    "failure-unheard": ("declined", 0),
    **dict.fromkeys(("dispatch-unheard", "shipped-not-taken", "shipped-not-captured"), ("sent", 0)),
    "delivery-unheard": ("whole", 0),
    **dict.fromkeys(("call-off-unheard", "stock-held-for-ended"), ("none of it", 0)),
    "money-kept-for-cancelled": ("none of it", 0),
    **dict.fromkeys(("call-off-refusal-unheard", "money-kept-for-cancelled-lines"), ("half", 0)),
    "stock-held-for-cancelled-lines": ("half", 0),
    **dict.fromkeys(("failed-delivery-unheard", "not-taken-back"), ("failed", 0)),
    **dict.fromkeys(("loss-unheard", "loss-not-refunded"), ("lost", 0)),
    **dict.fromkeys(("return-not-expected", "return-unheard", "return-not-refunded"), ("back", 0)),
    **dict.fromkeys(("replacement-not-kept", "replacement-unheard"), ("swapped", 0)),
    "replacement-without-shipment": ("swapped", 0),
    **dict.fromkeys(("replacement-dispatch-unheard",), ("swapped", 5)),
    "replacement-delivery-unheard": ("swapped", 6),
    **dict.fromkeys(("replacement-refusal-unheard", "replacement-not-refunded"), ("gone", 0)),
}
"""By rule: the life in which the reaction is lost, and before which step the ears are closed."""


def _lost() -> Sequence[Fault]:
    known = {each.rule: each for each in OBLIGATIONS}
    faults = []
    for rule, (life, before) in LOST.items():
        owed = known[rule]
        make = _deaf(owed.domain, owed.upstream, owed.event)
        name = f"{owed.domain} is deaf to {owed.event}"
        faults.append(Fault(name, rule, life, before, make))
    return faults


async def _captured_twice(ground: Ground, id: str) -> None:
    """At the provider, and here."""
    await ground.shop.told(id, "payments/PaymentCaptured")
    ground.provider.alter("it was taken twice", id)
    captured = await ground.only("payments", id, "PaymentCaptured")
    await ground.write("payments", Key("payment", id), captured)


async def _captured_less(ground: Ground, id: str) -> None:
    """While nobody is told anything by the provider."""
    await ground.shop.told(id, "shipping/ShipmentPlanned:1")
    await ground.provider.outage(True)
    await ground.shop.accepted(DispatchShipment(id=id))
    await ground.shop.told(id, "payments/CaptureRequested")
    less = PaymentCaptured(payment=1, parcel=1, type="credit_card", amount=euro(1000))
    await ground.write("payments", Key("payment", id), less)
    await ground.provider.outage(False)
    await until(lambda: ground.provider.charged(id))
    ground.provider.alter("less was taken", id)


async def _left_twice(ground: Ground, id: str) -> None:
    await _settled(ground, id)
    left = await ground.only("shipping", id, "ShipmentDispatched")
    await ground.write("shipping", Key("shipment", id), left)


async def _planned_twice(ground: Ground, id: str) -> None:
    await ground.shop.told(id, "shipping/ShipmentPlanned:1")
    planned = await ground.only("shipping", id, "ShipmentPlanned")
    await ground.write("shipping", Key("shipment", id), replace(planned, parcel=2))


async def _reserved_twice(ground: Ground, id: str) -> None:
    await ground.shop.told(id, "shipping/ShipmentPlanned:1")
    again = StockReserved(parts=[Part(sku="cup", quantity=3)])
    await ground.write("inventory", Key("reservation", id), again)
    units = UnitsReserved(order_id=id, quantity=3)
    await ground.write("inventory", Key("stock", "cup"), units)


def _units(event: type[UnitsReserved | UnitsShipped | UnitsReturned]) -> Fault:
    async def make(ground: Ground, id: str) -> None:
        await ground.shop.told(id, "shipping/ShipmentPlanned:1")
        await ground.write("inventory", Key("stock", "cup"), event(order_id=id, quantity=1))

    name = f"{event.__name__} is in one of two books"
    return Fault(name, "reservation-and-stock-differ", "waiting", 1, make)


async def _price_forged(ground: Ground, id: str) -> None:
    """An order of a listed product that costs what nobody has asked for."""
    line = OrderLine(
        line=1,
        sku="cup",
        quantity=1,
        price=euro(1),
        freight=euro(0),
        seller_id="shop",
        listed=True,
    )
    pays = OrderPayment(payment=1, type="credit_card", amount=euro(1), installments=1, token="")
    forged = OrderPlaced(
        customer_id="c-7",
        lines=[line],
        payments=[pays],
        total=euro(1),
        ordered_at=datetime.now(UTC),
    )
    await ground.write("ordering", Key("order", id), forged)


async def _dismiss(ground: Ground, id: str) -> None:
    """Says so until it is heard: somebody may just have been killed."""

    async def dismissed() -> bool:
        listed = await ground.mesh.trueup("divergences", "--json")
        if listed.code not in (0, 1):
            return False
        for each in msgspec.json.decode(listed.out):
            if id in each["id"]:
                words = ("divergences", "dismiss", each["id"], "--why=planted")
                return (await ground.mesh.trueup(*words)).code == 0
        return False

    await until(dismissed)


async def _lost_on_the_shelf(ground: Ground, id: str) -> None:
    await ground.shop.accepted(CountStock(id=id, counted=8, reference="hall 2"))


async def _settled(ground: Ground, id: str) -> None:
    """All that follows from the parcel's leaving has happened."""
    for mark in ("payments/PaymentCaptured", "inventory/StockShipped:1", "ordering/OrderShipped:1"):
        await ground.shop.told(id, mark)


FAULTS: Sequence[Fault] = (
    *_lost(),
    Fault(
        "shipping is deaf to CancellationRequested",
        "cancellation-unanswered",
        "half",
        0,
        _deaf("shipping", "ordering", "CancellationRequested"),
    ),
    Fault(
        "ordering is deaf to PriceChanged",
        "price-differs",
        "listed",
        0,
        _deaf("ordering", "catalog", "PriceChanged"),
    ),
    Fault("a capture is there twice", "captured-too-much", "sent", 2, _captured_twice),
    Fault("a capture is of less", "captured-too-little", "waiting", 1, _captured_less),
    Fault("a parcel leaves twice", "shipment-doubled", "sent", 2, _left_twice),
    Fault("a line is planned twice", "line-planned-twice", "waiting", 1, _planned_twice),
    Fault("units are reserved twice", "reserved-too-much", "waiting", 1, _reserved_twice),
    _units(UnitsReserved),
    _units(UnitsShipped),
    _units(UnitsReturned),
    Fault("a price is forged", "price-charged-differs", "", 0, _price_forged, _dismiss),
    Fault("two units are lost on the shelf", "count-differs", "stocked", 1, _lost_on_the_shelf),
)


def _at_the_provider(fault: str) -> Make:
    async def make(ground: Ground, id: str) -> None:
        await _settled(ground, id)
        ground.provider.alter(fault, id)

    return make


SETTLED: Sequence[Fault] = tuple(
    Fault(f"at the provider {fault}", rule, "sent", 2, _at_the_provider(fault))
    for fault, rule in {
        "less was taken": "settlement-differs",
        "more was taken": "settlement-differs",
        "nothing was taken": "settlement-missing-there",
        "something was taken besides": "settlement-missing-here",
        "it was taken twice": "charged-twice",
        "it was taken under another reference, too": "charged-twice",
    }.items()
)
"""Found when the provider's report comes."""
