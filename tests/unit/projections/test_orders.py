"""What the view `orders` says of an order on its way."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from bus.messages import Event
from bus.testing import at
from bus.testing.told import told
from bus.view import UnknownKey
from domains.inventory.messages import Part, StockReserved, UnitsReserved
from domains.ordering.messages import (
    CallOffAnswered,
    CancellationRefused,
    CancellationRequested,
    OrderDelivered,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderShipped,
    PriceNoted,
)
from domains.payments.messages import (
    AuthorizationRequested,
    ParcelPart,
    ParcelUnpaid,
    PaymentAdjusted,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentsSecured,
    SettlementRequested,
)
from domains.shipping.messages import ShipmentCalledOff
from projections.orders import VIEW
from tests.unit.projections.examples import (
    LATER,
    POT,
    REQUESTED,
    TEA,
    cancelled,
    confirmed,
    delivered,
    dispatched,
    eur,
    lines_cancelled,
    placed,
    planned,
)

PARTLY = OrderPartlyShipped(parcel=1, dispatched_at=LATER)
SHIPPED = OrderShipped(parcel=2, dispatched_at=LATER)
CANCEL = CancellationRequested(reason="")


@pytest.mark.parametrize(
    ("then", "state"),
    [
        ([], "placed"),
        ([REQUESTED], "awaiting_payment"),
        ([REQUESTED, confirmed()], "confirmed"),
        ([confirmed(), PARTLY], "partly_shipped"),
        ([confirmed(), PARTLY, SHIPPED], "shipped"),
        (
            [confirmed(), SHIPPED, OrderPartlyDelivered(parcel=1, delivered_at=LATER)],
            "shipped",
        ),
        ([confirmed(), SHIPPED, OrderDelivered(delivered_at=LATER)], "delivered"),
        ([confirmed(), CANCEL], "cancelling"),
        ([confirmed(), CANCEL, PARTLY], "cancelling"),
        ([confirmed(), CANCEL, CallOffAnswered(parcel=1, called_off=True)], "cancelling"),
        ([confirmed(), CANCEL, SHIPPED], "shipped"),
        ([confirmed(), CANCEL, SHIPPED, CancellationRefused(reason="")], "shipped"),
        ([confirmed(), CANCEL, PARTLY, lines_cancelled(POT), SHIPPED], "shipped"),
        ([confirmed(), CANCEL, PARTLY, CancellationRefused(reason="")], "partly_shipped"),
        ([cancelled(TEA, POT, cause="unavailable")], "cancelled"),
        ([confirmed(), CANCEL, cancelled(TEA, POT, was_confirmed=True)], "cancelled"),
    ],
)
async def test_an_order_goes_its_way(then: Sequence[Event], state: str) -> None:
    orders = await told(VIEW, at("o-1", placed(), *then))
    assert (await orders.row("o-1"))["state"] == state


async def test_an_order_shows_what_was_ordered() -> None:
    orders = await told(VIEW, at("o-1", placed()))
    row = await orders.row("o-1")
    assert (row["customer_id"], row["total"], row["currency"]) == ("c-7", 4500, "EUR")
    assert row["ordered_at"] == "2025-12-31T23:30:00.000000Z"
    assert row["lines"][1] == {
        "line": 2,
        "sku": "pot-1",
        "seller_id": "potter",
        "quantity": 1,
        "price": 3000,
        "freight": 500,
    }


async def test_the_timeline_tells_all_services_in_the_order_of_time() -> None:
    reserved = StockReserved(parts=[Part(sku="tea-1", quantity=2)])
    orders = await told(
        VIEW,
        at("o-1", placed(), reserved, REQUESTED, PaymentsSecured(total=eur(4500)), confirmed()),
        at("o-1", planned(1, TEA)),
        at("o-2", placed()),
    )
    told_of = [(one["domain"], one["event"]) for one in (await orders.row("o-1"))["timeline"]]
    assert told_of == [
        ("ordering", "OrderPlaced"),
        ("inventory", "StockReserved"),
        ("ordering", "PaymentRequested"),
        ("payments", "PaymentsSecured"),
        ("ordering", "OrderConfirmed"),
        ("shipping", "ShipmentPlanned"),
    ]
    assert [one["position"] for one in (await orders.row("o-2"))["timeline"]] == [4]


async def test_payments_and_parcels_are_shown_as_they_stand() -> None:
    asked = AuthorizationRequested(
        customer_id="c-7",
        payment=1,
        type="credit_card",
        amount=eur(4500),
        installments=1,
        token="",
    )
    held = PaymentAuthorized(payment=1, type="credit_card", amount=eur(4500), reference="r")
    taken = PaymentCaptured(payment=1, parcel=1, type="credit_card", amount=eur(1000))
    orders = await told(
        VIEW,
        at("o-1", placed(), asked, held, taken),
        at("o-1", planned(1, TEA), planned(2, POT), dispatched(1, TEA), delivered(1)),
        at("o-1", ShipmentCalledOff(parcel=2, lines=[])),
    )
    row = await orders.row("o-1")
    (payment,) = row["payments"]
    assert (payment["state"], payment["amount"], payment["captured"]) == (
        "partly_captured",
        4500,
        1000,
    )
    first, second = row["parcels"]
    assert (first["state"], first["seller_id"], first["carrier"]) == ("delivered", "shop", "post")
    assert (second["state"], second["seller_id"]) == ("called_off", "potter")


async def test_what_is_unpaid_is_paid_after_all() -> None:
    unpaid = ParcelUnpaid(parcel=1, amount=eur(300))
    payment = SettlementRequested(
        customer_id="c-7", payment=1, type="boleto", amount=eur(4500), token=""
    )
    adjusted = PaymentAdjusted(
        payment=1,
        type="boleto",
        currency="EUR",
        captured=200,
        refunded=0,
        parcels=[ParcelPart(parcel=1, amount=200)],
        unclaimed=0,
        rule="settlement-missing-here",
        divergence_id="settlement-missing-here-o-1-1",
    )
    orders = await told(VIEW, at("o-1", placed()), at("o-1", payment, unpaid, adjusted))
    row = await orders.row("o-1")
    assert (row["unpaid"], row["payments"][0]["settled"]) == (100, 200)


async def test_cancelled_lines_are_added_up() -> None:
    orders = await told(VIEW, at("o-1", placed(), confirmed(), lines_cancelled(POT)))
    assert (await orders.row("o-1"))["cancelled"] == 3500


async def test_what_is_not_of_an_order_is_left_out() -> None:
    orders = await told(
        VIEW,
        at("tea-1", PriceNoted(price=eur(450), seller_id="shop")),
        at("tea-1", UnitsReserved(order_id="o-1", quantity=2)),
    )
    assert await orders.row("tea-1") is None


async def test_it_does_not_matter_which_service_is_heard_first() -> None:
    parts = [
        at("o-1", placed(), REQUESTED, confirmed()),
        at("o-1", StockReserved(parts=[])),
        at("o-1", PaymentsSecured(total=eur(4500))),
        at("o-1", planned(1, TEA), dispatched(1, TEA)),
    ]
    rows = []
    for order in itertools.permutations(parts):
        row = await (await told(VIEW, *order)).row("o-1")
        rows.append({name: value for name, value in row.items() if name != "timeline"})
    assert all(row == rows[0] for row in rows)


async def test_before_the_order_itself_is_heard_of_there_is_nothing_to_see() -> None:
    orders = await told(VIEW, at("o-1", StockReserved(parts=[])))
    assert await orders.row("o-1") is None
    with pytest.raises(UnknownKey):
        await orders.ask("get", "o-1")


async def test_orders_are_listed_with_the_newest_first() -> None:
    days = [LATER.replace(day=day) for day in (3, 1, 2)]
    orders = await told(
        VIEW,
        *(at(f"o-{day.day}", placed("c-1" if day.day < 3 else "c-2", day)) for day in days),
        at("o-1", cancelled(cause="expired")),
    )
    recent = await orders.ask("recent", limit=2)
    assert [row["id"] for row in recent["rows"]] == ["o-3", "o-2"]
    rest = await orders.ask("recent", limit=2, page=recent["next"])
    assert [row["id"] for row in rest["rows"]] == ["o-1"]
    assert "timeline" not in rest["rows"][0]
    mine = await orders.ask("by_customer", "c-1")
    assert [row["id"] for row in mine["rows"]] == ["o-2", "o-1"]
    ended = await orders.ask("by_status", "cancelled")
    assert [(row["id"], row["cancel_cause"]) for row in ended["rows"]] == [("o-1", "expired")]


async def test_orders_are_counted_by_state_and_cause() -> None:
    orders = await told(
        VIEW,
        at("o-1", placed(), cancelled(cause="expired")),
        at("o-2", placed(), cancelled(cause="customer")),
        at("o-3", placed()),
        at("o-4", placed()),
    )
    counts = (await orders.ask("counts"))["rows"]
    assert [(row["state"], row["cancel_cause"], row["count"]) for row in counts] == [
        ("cancelled", "customer", 1),
        ("cancelled", "expired", 1),
        ("placed", None, 2),
    ]
    assert counts[2]["total"] == 9000
