"""A fault is found once it is no delay any more, named by its rule, and made right once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import pytest
from msgspec.structs import replace

from bus.envelope import Key
from bus.testing.ground import Ground, MemoryGround
from domains.catalog.messages import ChangePrice, ListProduct
from domains.inventory.messages import (
    CountStock,
    Part,
    ReceiveReturn,
    ReturnedPart,
    StockAdjusted,
    StockCounted,
    StockReserved,
    UnitsReserved,
    UnitsReturned,
    UnitsShipped,
)
from domains.ordering.messages import CancelOrder, Line, PriceNoted, RequestReturn, ReturnLine
from domains.payments.messages import PaymentCaptured
from domains.reconciliation.messages import DivergenceDetected
from domains.shipping.messages import (
    DeliverShipment,
    DispatchShipment,
    FailDelivery,
    LoseShipment,
    ParcelWithdrawn,
    ShipmentDispatched,
    ShipmentPlanned,
)
from projections.reconciliation.obligations import OBLIGATIONS, Obligation
from projections.reconciliation.rules import RULES
from tests.mesh.healing import Healing, deaf, healing, plant
from tests.mesh.settling import moved
from tests.mesh.shop import boleto, card, euro, line, order, voucher
from tests.simulation.books import audited, nothing_diverges, the_audit_balances

UNANSWERED = Obligation(
    "cancellation-unanswered", "", "ordering", "CancellationRequested", "shipping", ()
)
PRICES = Obligation("price-differs", "", "catalog", "ProductListed", "ordering", ())
LOSSES = (*OBLIGATIONS, UNANSWERED, PRICES)


async def live(they: Healing) -> None:
    """Every way that an order can go; who reconciles comes by after each step."""
    it = they.it
    await it.accepted(ListProduct(id="tea", name="Tea", price=euro(450)))
    await it.stock(tea=20, cup=20, pot=3)
    await they.heal()
    two = [line("tea", 2, seller="s-1"), line("cup", seller="s-2")]
    await it.accepted(order("whole", *two, payments=[voucher(500), card(2700)]))
    await it.accepted(order("half", *two, payments=[card(3200)]))
    for id in ("failed", "lost", "back", "none-of-it"):
        await it.accepted(order(id, line("cup")))
    await it.accepted(order("swapped", line("cup")))
    await it.accepted(order("gone", line("pot", 3), payments=[card(3100)]))
    await it.accepted(order("short", line("pot", 9)))
    await it.accepted(order("declined", line("tea"), payments=[card(1100, "tok_decline")]))
    it.provider.boletos_wait = True
    await it.accepted(order("unpaid", line("tea"), payments=[boleto(1100)]))
    await it.accepted(order("listed", Line(sku="tea", quantity=1)))
    await they.heal()
    await it.accepted(CancelOrder(id="unpaid"))
    await it.accepted(CancelOrder(id="none-of-it"))
    for id in ("whole", "half", "failed", "lost", "back", "swapped", "gone"):
        await it.accepted(DispatchShipment(id=id))
    await it.accepted(DispatchShipment(id="whole", parcel=2))
    await they.heal()
    await it.accepted(CancelOrder(id="half"))
    await it.accepted(FailDelivery(id="failed"))
    await it.accepted(LoseShipment(id="lost"))
    for id, parcel in (("whole", 1), ("whole", 2), ("back", 1), ("swapped", 1), ("gone", 1)):
        await it.accepted(DeliverShipment(id=id, parcel=parcel))
    await they.heal()
    await send_back(they)


async def send_back(they: Healing) -> None:
    it = they.it
    for id, exchange in (("back", False), ("swapped", True), ("gone", True)):
        lines = [ReturnLine(line=1, quantity=1)]
        await it.accepted(RequestReturn(id=id, lines=lines, exchange=exchange))
    await they.heal()
    for id, sku in (("back", "cup"), ("swapped", "cup"), ("gone", "pot")):
        scrapped = ReturnedPart(sku=sku, sellable=0, scrapped=1)
        await it.accepted(ReceiveReturn(id=id, number=1, parts=[scrapped]))
    await they.heal()
    await it.accepted(DispatchShipment(id="swapped", parcel=2))
    await it.accepted(DeliverShipment(id="swapped", parcel=2))
    await they.heal()


async def test_without_a_fault_nothing_is_found(ground: Ground) -> None:
    async with healing(ground) as they:
        await live(they)
        assert await they.told() == []
        await nothing_diverges(they.it)


@pytest.mark.parametrize("lost", LOSSES, ids=lambda each: each.rule)
async def test_a_reaction_that_was_lost_is_found_and_made_up_for(
    memory_ground: MemoryGround, lost: Obligation
) -> None:
    async with healing(memory_ground, deaf(lost.domain, lost.upstream, lost.event)) as they:
        await live(they)
        assert ("DivergenceDetected", lost.rule) in await they.told()
        await made_right(they)


@pytest.fixture
async def they(memory_ground: MemoryGround) -> AsyncIterator[Healing]:
    """An order of two teas has left; a second one waits."""
    async with healing(memory_ground) as they:
        await they.it.stock(tea=10)
        await they.it.accepted(order("o-1", line("tea", 2), payments=[card(2100)]))
        await they.it.accepted(order("o-2", line("tea", 2), payments=[card(2100)]))
        await they.it.mesh.rest()
        await they.it.accepted(DispatchShipment(id="o-1"))
        await they.heal()
        assert await they.told() == []
        yield they


async def made_right(they: Healing) -> None:
    """All that was detected was compensated once, and is right again."""
    detected = await they.told("DivergenceDetected")
    assert {rule for _, rule in detected} <= {rule.name for rule in RULES}
    resolved = await they.told("DivergenceResolved")
    assert sorted(rule for _, rule in resolved) == sorted(rule for _, rule in detected)
    assert await they.told("DivergenceEscalated", "DivergenceReopened") == []
    await they.nothing_was_done_twice()
    await the_audit_balances(they.it)
    await nothing_diverges(they.it)


async def test_a_capture_that_is_there_twice_is_paid_back(they: Healing) -> None:
    captured = await they.it.only("payments", "o-1", "PaymentCaptured")
    await plant(they.it, "payments", Key("payment", "o-1"), captured.data)
    they.it.provider.capture_again("o-1")
    await they.heal()
    assert ("DivergenceDetected", "captured-too-much") in await they.told()
    await made_right(they)
    assert they.it.money() == {"held": 2100, "kept": 2100}


@pytest.mark.parametrize(
    ("lacking", "rule"), [(100, "captured-too-little"), (1, "rounding")], ids=["short", "rounding"]
)
@pytest.mark.parametrize("voucher_left", [0, 500])
async def test_a_capture_of_less_is_claimed_elsewhere(
    they: Healing, lacking: int, rule: str, voucher_left: int
) -> None:
    """What the card does not give the voucher gives, as far as it reaches."""
    pays = [card(1600), voucher(500)] if voucher_left else [card(2100)]
    two = [line("tea"), line("tea", cents=900, seller="s-2")]
    it = they.it
    await it.accepted(order("o-3", *two, payments=pays))
    await it.mesh.rest()
    await captured_less(they, "o-3", 1100, lacking)
    await they.heal()
    assert ("DivergenceDetected", rule) in await they.told()
    await made_right(they)
    unpaid = await it.all("payments", "o-3", "ParcelUnpaid")
    assert len(unpaid) == (0 if voucher_left else 1)
    await it.accepted(DispatchShipment(id="o-3", parcel=2))
    await they.heal()
    await made_right(they)
    assert it.money() == {"held": 2100, "kept": 2100 + 2100 - lacking}


async def captured_less(they: Healing, id: str, asked: int, lacking: int) -> None:
    """The first parcel leaves, and the provider takes less than it was asked for, and says so."""
    it, less = they.it, euro(asked - lacking)
    it.provider.outage = True
    await it.accepted(DispatchShipment(id=id))
    await it.until("payments", id, "CaptureRequested")
    told = PaymentCaptured(payment=1, parcel=1, type="credit_card", amount=less)
    await plant(it, "payments", Key("payment", id), told)
    it.provider.outage = False

    async def taken() -> bool:
        return any(line.order_id == id and line.captured for line in it.provider.report())

    await it.mesh.until(taken, "the capture", passing=timedelta(seconds=1))
    it.provider.books.alter(moved(they, id), less.amount)
    await it.mesh.rest()


async def test_a_parcel_that_left_twice_left_once(they: Healing) -> None:
    left = await they.it.only("shipping", "o-1", "ShipmentDispatched")
    assert isinstance(left.data, ShipmentDispatched)
    await plant(they.it, "shipping", Key("shipment", "o-1"), left.data)
    await they.heal()
    assert ("DivergenceDetected", "shipment-doubled") in await they.told()
    await made_right(they)


async def test_more_is_kept_than_was_ordered(they: Healing) -> None:
    more = StockReserved(parts=[Part(sku="tea", quantity=3)])
    await plant(they.it, "inventory", Key("reservation", "o-2"), more)
    units = UnitsReserved(order_id="o-2", quantity=3)
    await plant(they.it, "inventory", Key("stock", "tea"), units)
    await they.heal()
    assert ("DivergenceDetected", "reserved-too-much") in await they.told()
    await made_right(they)


async def test_inventory_s_two_books_differ(they: Healing) -> None:
    units = UnitsReserved(order_id="o-2", quantity=1)
    await plant(they.it, "inventory", Key("stock", "tea"), units)
    await they.heal()
    assert ("DivergenceDetected", "reservation-and-stock-differ") in await they.told()
    await made_right(they)


@pytest.mark.parametrize(
    "event",
    [UnitsShipped, UnitsReturned],
    ids=["a parcel left the shelf twice", "what never came back is on it"],
)
async def test_a_sku_that_tells_more_than_the_reservation(
    they: Healing, event: type[UnitsShipped | UnitsReturned]
) -> None:
    await plant(they.it, "inventory", Key("stock", "tea"), event(order_id="o-2", quantity=2))
    assert await they.it.stock_of("tea") != (8, 2)
    await they.heal()
    assert ("DivergenceDetected", "reservation-and-stock-differ") in await they.told()
    await made_right(they)
    assert await they.it.stock_of("tea") == (8, 2)


async def test_a_reservation_whose_units_never_left_the_shelf(they: Healing) -> None:
    await they.it.accepted(DispatchShipment(id="o-2"))
    await they.it.mesh.rest()
    await plant(
        they.it,
        "inventory",
        Key("stock", "tea"),
        UnitsReturned(order_id="o-2", quantity=2),
        UnitsReserved(order_id="o-2", quantity=2),
    )
    await they.heal()
    assert ("DivergenceDetected", "reservation-and-stock-differ") in await they.told()
    await made_right(they)
    assert await they.it.stock_of("tea") == (6, 0)


async def test_a_line_goes_with_one_parcel(they: Healing) -> None:
    planned = await they.it.only("shipping", "o-2", "ShipmentPlanned")
    assert isinstance(planned.data, ShipmentPlanned)
    second = replace(planned.data, parcel=2)
    await plant(they.it, "shipping", Key("shipment", "o-2"), second)
    await they.heal()
    assert ("DivergenceDetected", "line-planned-twice") in await they.told()
    await made_right(they)
    assert await they.it.refused(DispatchShipment(id="o-2", parcel=2)) == "CalledOff"
    await they.it.accepted(DispatchShipment(id="o-2"))
    await they.heal()
    await made_right(they)


async def test_the_parcel_that_has_left_is_the_one_that_stays(they: Healing) -> None:
    planned = await they.it.only("shipping", "o-2", "ShipmentPlanned")
    assert isinstance(planned.data, ShipmentPlanned)
    key = Key("shipment", "o-2")
    await plant(they.it, "shipping", key, replace(planned.data, parcel=2))
    await they.it.accepted(DispatchShipment(id="o-2", parcel=2))
    await they.heal()
    (withdrawn,) = await they.it.all("shipping", "o-2", "ParcelWithdrawn")
    assert cast(ParcelWithdrawn, withdrawn.data).parcel == 1


async def listed(they: Healing) -> None:
    await they.it.accepted(ListProduct(id="tea", name="Tea", price=euro(450)))
    await they.heal()


async def test_what_is_sold_as_listed_costs_what_the_catalog_asks(they: Healing) -> None:
    await listed(they)
    await they.it.accepted(order("as-listed", Line(sku="tea", quantity=1)))
    await they.it.accepted(ChangePrice(id="tea", price=euro(500)))
    await they.heal()
    await they.it.accepted(order("later", Line(sku="tea", quantity=1)))
    await they.it.accepted(order("agreed", line("tea", cents=7)))
    await they.heal()
    assert await they.told() == []


async def test_a_price_that_was_never_asked_is_found(they: Healing) -> None:
    """Ordering's copy was wrong when it was sold, and is right again."""
    await listed(they)
    for price in (45, 450):
        noted = PriceNoted(price=euro(price), seller_id="shop")
        await plant(they.it, "ordering", Key("price", "tea"), noted)
        if price == 45:
            await restarted(they, "ordering")
            await they.it.accepted(order("cheap", Line(sku="tea", quantity=1)))
    await they.heal()
    assert await they.told("DivergenceDetected") == [
        ("DivergenceDetected", "price-charged-differs")
    ]
    (found,) = [e for e in await they.it.mesh.events("reconciliation") if "Detected" in e.type]
    assert "cheap was sold it for 45 EUR" in cast(DivergenceDetected, found.data).said


async def restarted(they: Healing, domain: str) -> None:
    mesh = they.it.mesh
    (process,) = [p for p in mesh.processes if p.domain.name == domain]
    await mesh.kill(process)
    await mesh.start_process(mesh.domains[domain])


async def test_what_ordering_has_noted_is_what_it_asks(they: Healing) -> None:
    await listed(they)
    await they.it.accepted(order("right", Line(sku="tea", quantity=1)))
    placed = await they.it.only("ordering", "right", "OrderPlaced")
    (sold,) = placed.data.lines
    wrong = replace(placed.data, lines=[replace(sold, price=euro(451))], total=euro(451))
    await plant(they.it, "ordering", Key("order", "wrong"), wrong)
    await they.heal()
    assert ("DivergenceDetected", "price-charged-differs") in await they.told()


async def test_money_and_units_that_wait_for_very_long(they: Healing) -> None:
    await they.it.mesh.advance(timedelta(days=31))
    await they.heal()
    detected = {rule for _, rule in await they.told("DivergenceDetected")}
    assert detected == {"stuck-confirmed", "reserved-too-long", "authorized-too-long"}
    await they.it.accepted(CancelOrder(id="o-2"))
    await they.heal()
    assert {rule for _, rule in await they.told("DivergenceResolved")} == detected


@pytest.mark.parametrize("domain", ["inventory", "payments", "shipping"])
async def test_an_order_that_ordering_never_took(they: Healing, domain: str) -> None:
    kind, event = {
        "inventory": ("reservation", "StockReserved"),
        "payments": ("payment", "AuthorizationRequested"),
        "shipping": ("shipment", "ShipmentPlanned"),
    }[domain]
    known = await they.it.only(domain, "o-2", event)
    await plant(they.it, domain, Key(kind, "o-3"), known.data)
    await they.heal()
    assert ("DivergenceEscalated", "unknown-order") in await they.told()


async def test_inventory_that_forgets_is_found_when_it_counts(they: Healing) -> None:
    forgotten = StockCounted(counted=7, on_hand=7, reference="hall 3")
    await plant(they.it, "inventory", Key("stock", "tea"), forgotten)
    await they.heal()
    assert ("DivergenceEscalated", "units-not-conserved") in await they.told()


async def test_what_is_counted_is_what_there_is(they: Healing) -> None:
    await they.it.accepted(CountStock(id="tea", counted=7, reference="hall 2"))
    await they.it.accepted(DispatchShipment(id="o-2"))  # the shelf goes on being used
    await they.heal()
    assert ("DivergenceDetected", "count-differs") in await they.told()
    await made_right(they)
    assert await they.it.stock_of("tea") == (5, 0)
    again = await they.it.accepted(CountStock(id="tea", counted=7, reference="hall 2"))
    assert again["events"] == []


async def test_an_order_that_is_stuck_waits_for_a_person(they: Healing) -> None:
    await they.it.mesh.advance(timedelta(days=15))
    await they.heal()
    told = await they.told()
    assert told == [
        ("DivergenceDetected", "stuck-confirmed"),
        ("DivergenceEscalated", "stuck-confirmed"),
    ]
    await they.it.accepted(DispatchShipment(id="o-2"))
    await they.heal()
    assert (await they.told())[-1] == ("DivergenceResolved", "stuck-confirmed")


async def test_while_the_one_who_owes_is_down_nothing_is_found(they: Healing) -> None:
    mesh = they.it.mesh
    (inventory,) = [p for p in mesh.processes if p.domain.name == "inventory"]
    await mesh.kill(inventory)
    sent = await they.it.accepted(DispatchShipment(id="o-2"))
    after = {"shipping": sent["position"]}
    row = await mesh.query("reconciliation", "order", "o-2", after=after)
    assert "shipped-not-taken" in {task["found"]["rule"] for task in row["tasks"]}
    for _ in range(3):
        mesh.clock.advance(timedelta(minutes=5))
        with pytest.raises(Exception, match="inventory"):
            await they.look()
    await mesh.start_process(mesh.domains["inventory"])
    await they.heal()
    assert await they.told() == []


async def test_two_who_look_at_the_same_time_are_as_one(they: Healing) -> None:
    units = UnitsReserved(order_id="o-2", quantity=1)
    await plant(they.it, "inventory", Key("stock", "tea"), units)
    await they.it.mesh.rest()
    await they.it.mesh.advance(timedelta(seconds=31))
    for _ in range(3):
        await they.look()  # what the others have told may not have come round yet
    await they.heal()
    await made_right(they)


async def test_the_audit_knows_a_correction_that_nobody_asked_for(they: Healing) -> None:
    own_doing = StockAdjusted(on_hand=1, reserved=0, rule="none", divergence_id="none")
    await plant(they.it, "inventory", Key("stock", "tea"), own_doing)
    await they.it.mesh.rest()
    assert await rules_broken(they) == {"every compensation answers a divergence"}


async def test_the_audit_knows_a_compensation_that_was_booked_twice(they: Healing) -> None:
    units = UnitsReserved(order_id="o-2", quantity=1)
    await plant(they.it, "inventory", Key("stock", "tea"), units)
    await they.heal()
    (adjusted,) = await they.it.all("inventory", "tea", "StockAdjusted")
    await they.it.mesh.advance(timedelta(seconds=1))
    key, again = Key("stock", "tea"), adjusted.data
    await plant(they.it, "inventory", key, again, caused_by=adjusted.causation_id)
    await they.it.mesh.rest()
    assert "a compensation is booked once" in await rules_broken(they)


async def rules_broken(they: Healing) -> set[str]:
    return {finding.rule for finding in (await audited(they.it)).findings()}


@pytest.mark.parametrize("asks", [False, True], ids=["before", "after"])
async def test_killed_at_any_point_it_is_compensated_once(
    memory_ground: MemoryGround, asks: bool
) -> None:
    """Three faults at once, of which each look tells as many as it can."""
    async with healing(memory_ground, deaf("inventory", "shipping", "ShipmentDispatched")) as they:
        it = they.it
        await it.stock(tea=10)
        for number in range(3):
            await it.accepted(order(f"o-{number}", line("tea")))
        await it.mesh.rest()
        for number in range(3):
            await it.accepted(DispatchShipment(id=f"o-{number}"))
        await it.mesh.advance(timedelta(seconds=31))
        await they.killed_at_each_request(20, asks=asks)
        await they.heal()
        assert len(await they.told("CompensationRequested")) == 3
        await made_right(they)
