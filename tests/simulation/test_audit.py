"""The audit finds what a bug in a domain would leave behind: a day in the shop, altered."""

from __future__ import annotations

import asyncio
import copy
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from bus.testing.ground import MemoryGround
from projections.reconciliation import VIEW as RECONCILIATION
from scripts.audit.books import Books
from tests.mesh.healing import Healing
from tests.mesh.settling import settle
from tests.mesh.shop import shop
from tests.simulation.books import END
from tests.simulation.customers import Customers
from tests.simulation.day import VIEWS, Day
from tests.simulation.kinds import mortal_of
from tests.simulation.mortal import never

Told = dict[str, list[dict[str, Any]]]
"""Events by domain, each as its JSON."""
Fault = Callable[[Told, str], None]
"""Alters what was told of an order or a SKU."""


@pytest.fixture(scope="module")
def told() -> Told:
    """All that was recorded in a day, at the end of which the provider handed in its report."""
    return asyncio.run(_day())


async def _day() -> Told:
    ground = MemoryGround()
    async with shop(ground, views=[*VIEWS, RECONCILIATION]) as it:
        mortal = mortal_of(it, ground, "catalog", never, 1)
        async with mortal.living():
            await Day(it, Customers(it, ground, mortal)).live()
        await settle(Healing(it))
        return {
            domain: [
                msgspec.json.decode(event.body)
                for event in await store.read(0, (await store.head()).position)
            ]
            for domain, store in it.mesh.stores.items()
        }


def audited(told: Mapping[str, list[dict[str, Any]]]) -> Books:
    books = Books([*told])
    for domain, events in told.items():
        for position, event in enumerate(events, 1):
            books.take(domain, position, msgspec.json.encode(event))
    books.balance(END)
    return books


def broken(told: Mapping[str, list[dict[str, Any]]]) -> set[tuple[str, str]]:
    return {(finding.rule, finding.of) for finding in audited(told).findings()}


def numbered(told: Told) -> None:
    """As if the domains had recorded it so: each aggregate's versions have no gaps."""
    for events in told.values():
        versions: defaultdict[str, int] = defaultdict(int)
        for event in events:
            versions[event["subject"]] += 1
            event["version"] = versions[event["subject"]]


def is_of(event: Mapping[str, Any], type: str, id: str) -> bool:
    of = event["data"].get("order_id", event["subject"].partition("/")[2])
    return (event["type"], of) == (type, id)


def without(domain: str, *types: str) -> Fault:
    def fault(told: Told, id: str) -> None:
        kept = [e for e in told[domain] if not any(is_of(e, type, id) for type in types)]
        assert len(kept) < len(told[domain])
        told[domain] = kept

    return fault


def each(domain: str, type: str, change: Callable[[Told, Any], object]) -> Fault:
    """`change` gets all events, and one after the other those of the type."""

    def fault(told: Told, id: str) -> None:
        found = [e for e in told[domain] if is_of(e, type, id)]
        assert found
        for event in found:
            change(told, event)

    return fault


def twice(domain: str, type: str) -> Fault:
    return also(domain, type, type)


def also(domain: str, type: str, other: str) -> Fault:
    """The same once more, as an event of another type."""
    return each(
        domain, type, lambda told, e: told[domain].append(copy.deepcopy(e) | {"type": other})
    )


def altered(domain: str, type: str, change: Callable[[Any], object]) -> Fault:
    return each(domain, type, lambda _, event: change(event["data"]))


def instead(domain: str, type: str, other: str) -> Fault:
    """One event where another should be."""
    return each(domain, type, lambda _, event: event.update(type=other))


def all_of_it(told: Told, id: str) -> None:
    told["ordering"] = [e for e in told["ordering"] if e["subject"] != f"order/{id}"]


def a_movement(change: Callable[[Any], object]) -> Fault:
    return altered("payments", "SettlementReported", lambda data: change(data["movements"][0]))


def adjusted(told: Told, id: str) -> None:
    """As if nobody had asked for it, and it is a cent."""
    (captured,) = [e for e in told["payments"] if is_of(e, "PaymentCaptured", id)]
    data = {
        **{"payment": 1, "captured": -1, "refunded": 0, "unclaimed": 0},
        "parcels": [{"parcel": 1, "amount": -1}],
    }
    told["payments"].append({**copy.deepcopy(captured), "type": "PaymentAdjusted", "data": data})


def cent(data: Any) -> None:
    data["amount"]["amount"] -= 1


FAULTS = {
    "a release that inventory never made": (
        "refunded",
        without("inventory", "StockReleased", "UnitsReleased"),
        "what is still to leave is kept",
    ),
    "a release in one of inventory's books": (
        "refunded",
        without("inventory", "UnitsReleased"),
        "reservation and SKUs say the same of what is kept",
    ),
    "a parcel that inventory never heard of": (
        "shipped",
        without("inventory", "StockShipped", "UnitsShipped"),
        "what left was taken",
    ),
    "one unit too many kept": (
        "waiting",
        altered(
            *("inventory", "StockReserved"),
            lambda data: data["parts"][0].update(quantity=2),
        ),
        "what was ordered was reserved",
    ),
    "a capture that never came": (
        "shipped",
        without("payments", "PaymentCaptured"),
        "no more is held than can still leave",
    ),
    "a capture booked twice": (
        "shipped",
        twice("payments", "PaymentCaptured"),
        "no more is taken or given back than there is",
    ),
    "a cent too little captured": (
        "delivered",
        altered("payments", "PaymentCaptured", cent),
        "no more is held than can still leave",
    ),
    "a parcel that nobody was charged for": (
        "shipped",
        without("payments", "ParcelCharged"),
        "parcel 1 is charged as it left",
    ),
    "a parcel charged twice": (
        "shipped",
        twice("payments", "ParcelCharged"),
        "parcel 1 is charged as it left",
    ),
    "a refund that never came": (
        "refunded",
        without("payments", "PaymentRefunded"),
        "the money there is is the parcels' value",
    ),
    "a refund booked twice": (
        "refunded",
        twice("payments", "PaymentRefunded"),
        "no more is taken or given back than there is",
    ),
    "an authorisation of another amount": (
        "waiting",
        altered("payments", "PaymentAuthorized", cent),
        "payment 1 is what was asked for",
    ),
    "a payment that was never asked for": (
        "waiting",
        without("ordering", "PaymentRequested"),
        "payment 1 is what was asked for",
    ),
    "a payment answered twice": (
        "waiting",
        also("payments", "PaymentAuthorized", "PaymentDeclined"),
        "a payment has one answer",
    ),
    "a parcel that leaves twice": (
        "shipped",
        twice("shipping", "ShipmentDispatched"),
        "parcel 1 left once, as planned",
    ),
    "a parcel of another value": (
        "shipped",
        altered(
            *("shipping", "ShipmentDispatched"),
            lambda data: data["value"].update(amount=1),
        ),
        "a parcel is worth what was planned",
    ),
    "a parcel that was never planned": (
        "waiting",
        without("shipping", "ShipmentPlanned"),
        "what was confirmed was planned, in one parcel",
    ),
    "a parcel that leaves and is called off": (
        "delivered",
        instead("shipping", "ShipmentDelivered", "ShipmentCalledOff"),
        "a parcel leaves or is called off",
    ),
    "a parcel that arrives without leaving": (
        "delivered",
        without("shipping", "ShipmentDispatched"),
        "what arrives has left",
    ),
    "a delivery that ordering never heard of": (
        "delivered",
        without("ordering", "OrderDelivered"),
        "an order is as far as its parcels",
    ),
    "a cancellation that ordering forgot": (
        "refunded",
        without("ordering", "OrderCancelled"),
        "what was called off is cancelled",
    ),
    "a cancellation that shipping never heard of": (
        "refunded",
        without("shipping", "ShipmentCalledOff"),
        "what is cancelled stays",
    ),
    "a cancellation of another value": (
        "refunded",
        altered(
            *("ordering", "OrderCancelled"),
            lambda data: data["value"].update(amount=1),
        ),
        "cancelled lines cost what was said",
    ),
    "an order cancelled twice": (
        "refunded",
        twice("ordering", "OrderCancelled"),
        "only what was ordered is cancelled, once",
    ),
    "an order of another total": (
        "waiting",
        altered(
            *("ordering", "OrderPlaced"),
            lambda data: data["total"].update(amount=1),
        ),
        "an order's lines cost its total",
    ),
    "an order whose payments are not its total": (
        "waiting",
        altered(
            *("ordering", "OrderPlaced"),
            lambda data: data["payments"][0]["amount"].update(amount=1),
        ),
        "an order's payments are its total",
    ),
    "a return that inventory never booked on the shelf": (
        "returned",
        without("inventory", "UnitsReturned"),
        "reservation and SKUs say the same of what is there",
    ),
    "a return that ordering never accepted": (
        "returned",
        without("ordering", "ReturnAccepted"),
        "what came back is accepted",
    ),
    "a return accepted twice": (
        "returned",
        twice("ordering", "ReturnAccepted"),
        "a unit's value is given back once",
    ),
    "a return that nobody asked for": (
        "returned",
        without("ordering", "ReturnRequested"),
        "no more comes back than was asked for",
    ),
    "a return of another value": (
        "returned",
        altered("ordering", "ReturnAccepted", lambda data: data["value"].update(amount=1)),
        "what comes back costs what was said",
    ),
    "a return whose money payments never heard of": (
        "returned",
        without("payments", "RefundDue", "RefundRequested", "PaymentRefunded"),
        "what is to be given back is due",
    ),
    "a return that is refunded too little": (
        "returned",
        altered("payments", "PaymentRefunded", cent),
        "the money there is is the parcels' value",
    ),
    "a return that goes on being expected": (
        "kept",
        without("inventory", "ReturnForgotten"),
        "what has expired is not expected",
    ),
    "an exchange without a replacement": (
        "exchanged",
        without("ordering", "ReplacementRequested"),
        "what is exchanged is replaced",
    ),
    "a replacement that was never reserved": (
        "exchanged",
        without("inventory", "ReplacementReserved"),
        "what was ordered was reserved",
    ),
    "a replacement that was never planned": (
        "exchanged",
        without("shipping", "ShipmentPlanned"),
        "each replacement is planned",
    ),
    "a replacement that can't be had and is paid back to nobody": (
        "irreplaceable",
        without("payments", "PaymentRefunded"),
        "the money there is is the parcels' value",
    ),
    "a parcel that came back and is not on the shelf": (
        "refused",
        without("inventory", "ParcelTakenBack", "UnitsReturned"),
        "parcel 1 is on the shelf again",
    ),
    "a lost parcel that ordering never heard of": (
        "gone",
        without("ordering", "ParcelLost"),
        "ordering knows what became of parcel 1",
    ),
    "a lost parcel that arrives all the same": (
        "gone",
        also("shipping", "ShipmentLost", "ShipmentDelivered"),
        "a parcel has one end",
    ),
    "a capture that failed and was never told of": (
        "owing",
        without("payments", "CaptureFailed"),
        "only what could not be taken is unpaid",
    ),
    "a debt that nobody has told of": (
        "owing",
        without("payments", "ParcelUnpaid"),
        "the money there is is the parcels' value",
    ),
    "a debt set off twice": (
        "owing",
        twice("payments", "RefundBooked"),
        "the money there is is the parcels' value",
    ),
    "a capture that the provider has not made": (
        "shipped",
        a_movement(lambda movement: movement.update(kind="refunded")),
        "the provider took of payment 1 what we say",
    ),
    "a refund of another amount": (
        "shipped",
        a_movement(lambda movement: movement.update(kind="refunded")),
        "the provider paid back of payment 1 what we say",
    ),
    "a payment that only the provider knows": (
        "shipped",
        a_movement(lambda movement: movement.update(payment=7)),
        "nothing is kept that nobody asked for",
    ),
    "money of another country": (
        "shipped",
        a_movement(lambda movement: movement["amount"].update(currency="XXX")),
        "an order has one currency",
    ),
    "an adjustment without what follows from it": (
        "shipped",
        adjusted,
        "the money there is is the parcels' value",
    ),
    "an adjustment that nobody reported": (
        "shipped",
        adjusted,
        "the provider took of payment 1 what we say",
    ),
    "an order that ordering does not know": ("waiting", all_of_it, "known to ordering"),
}


def test_a_day_as_it_was_balances(told: Told) -> None:
    books = audited(told)
    assert list(books.findings()) == []
    assert books.events == sum(len(events) for events in told.values())
    (money,) = books.money().values()
    assert money["kept"] + money["held"] == (
        money["left"] + money["to_leave"] - money["returned"] - money["owed"]
    )
    assert money["returned"] > 0
    assert money["owed"] > 0
    units = books.units()
    assert units["left"] == units["shipped"]
    came = units["received"] + units["returned"]
    assert came == units["on_hand"] + units["written_off"] + units["shipped"]
    assert units["returned"] > 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_named(told: Told, name: str) -> None:
    id, fault, rule = FAULTS[name]
    wrong = copy.deepcopy(told)
    fault(wrong, id)
    numbered(wrong)
    assert (rule, f"order/{id}") in broken(wrong)


def test_more_reserved_than_there_is(told: Told) -> None:
    wrong = copy.deepcopy(told)
    altered("inventory", "StockReceived", lambda data: data.update(quantity=1))(wrong, "tea")
    assert broken(wrong) == {("no more is reserved than there is", "stock/tea")}


def test_a_version_that_is_missing(told: Told) -> None:
    wrong = copy.deepcopy(told)
    without("ordering", "PaymentRequested")(wrong, "waiting")
    rule = "an aggregate's versions are 1, 2, 3, …"
    assert (rule, "ordering") in broken(wrong)


def test_a_position_that_is_missing(told: Told) -> None:
    books = Books(["catalog"])
    for position, event in enumerate(told["catalog"][:2]):
        books.take("catalog", 1 + 2 * position, msgspec.json.encode(event))
    assert [finding.said for finding in books.findings()] == ["3 comes after 1"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\xff", b'{"type":1}'], ids=["nothing", "empty", "no text", "other"]
)
def test_what_is_no_event(body: bytes) -> None:
    books = Books(["ordering"])
    books.take("ordering", 1, body)
    (finding,) = books.findings()
    assert finding.rule == "every event can be read"


def test_an_event_that_lacks_what_it_must_say(told: Told) -> None:
    wrong = copy.deepcopy(told)
    altered("shipping", "ShipmentPlanned", lambda data: data.pop("value"))(wrong, "waiting")
    assert ("every event can be read", "shipping") in broken(wrong)


HARMLESS = {
    # What was intended, beside what came of it.
    *("AuthorizationRequested", "SettlementRequested", "CaptureRequested"),
    *("VoidRequested", "RefundRequested", "ReturnBooked", "CancellationRequested"),
    # News of what can be seen without them.
    *("PaymentsSecured", "PaymentsFailed", "PaymentDeclined", "CallOffRefused"),
    *("OrderPartlyShipped", "OrderShipped", "OrderPartlyDelivered", "CallOffAnswered"),
    # Nothing is balanced against these.
    *("ProductListed", "PriceNoted", "StockReceived", "ReservationRefused"),
    # What a report did not tell is held against nothing.
    "SettlementReported",
}


def test_no_other_event_can_be_missing_unseen(told: Told) -> None:
    unseen = set()
    for domain, events in told.items():
        for at, event in enumerate(events):
            wrong = copy.deepcopy(told)
            del wrong[domain][at]
            numbered(wrong)
            if not broken(wrong):
                unseen.add(event["type"])
    assert unseen - HARMLESS == set()


def test_an_order_that_only_the_provider_knows(told: Told) -> None:
    (event,) = [e for e in told["payments"] if is_of(e, "SettlementReported", "shipped")]
    wrong = copy.deepcopy(told)
    strange = copy.deepcopy(event) | {"subject": "settlement/nobody"}
    wrong["payments"].append(strange)
    numbered(wrong)
    assert broken(wrong) == {("known to ordering", "order/nobody")}
    assert audited(wrong).money() == audited(told).money()
    assert audited(wrong).orders == audited(told).orders
    back = copy.deepcopy(strange)
    back["data"]["movements"][0].update(id="mv-back", kind="refunded")
    wrong["payments"].append(back)
    numbered(wrong)
    assert broken(wrong) == set()
