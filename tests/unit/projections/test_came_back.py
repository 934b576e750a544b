"""What the views say of what came back, never arrived, was replaced, or nobody pays."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bus.messages import Event
from bus.testing import at
from bus.testing.told import told
from domains.inventory.messages import (
    StockReceived,
    StockWrittenOff,
    UnitsReserved,
    UnitsReturned,
    UnitsShipped,
)
from domains.ordering.messages import (
    CancellationRequested,
    OrderDelivered,
    OrderLine,
    OrderPartlyShipped,
    OrderShipped,
    OrderUndelivered,
    ParcelLost,
    ReplacementUnavailable,
    ReturnAccepted,
)
from domains.payments.messages import (
    AuthorizationRequested,
    ParcelUnpaid,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentVoided,
    RefundBooked,
)
from domains.shipping.messages import DeliveryFailed, ShipmentLost, ShipmentPlanned
from projections.orders import VIEW as ORDERS
from projections.payments import VIEW as PAYMENTS
from projections.sales import VIEW as SALES
from projections.stock import VIEW as STOCK
from tests.unit.projections.examples import (
    LAST_YEAR,
    LATER,
    POT,
    TEA,
    confirmed,
    dispatched,
    eur,
    line,
    placed,
    planned,
)

ONE_TEA = line(1, "tea-1", 1, 450, 50)


def accepted(*lines: OrderLine, exchange: bool = False) -> ReturnAccepted:
    return ReturnAccepted(
        number=1,
        receipt=1,
        lines=[*lines],
        value=eur(0 if exchange else sum(one.value.amount for one in lines)),
        exchange=exchange,
        complete=True,
        ordered_at=LAST_YEAR,
    )


def lost(parcel: int, of: OrderLine) -> ParcelLost:
    return ParcelLost(
        parcel=parcel, came_back=False, lines=[of], value=of.value, ordered_at=LAST_YEAR
    )


def unavailable(of: OrderLine) -> ReplacementUnavailable:
    return ReplacementUnavailable(parcel=3, lines=[of], value=of.value, ordered_at=LAST_YEAR)


SENT = (
    confirmed(),
    OrderPartlyShipped(parcel=1, dispatched_at=LATER),
    OrderShipped(parcel=2, dispatched_at=LATER),
)


@pytest.mark.parametrize(
    ("then", "state"),
    [
        ([lost(1, TEA)], "shipped"),
        ([lost(1, TEA), lost(2, POT), OrderUndelivered()], "undelivered"),
        ([lost(1, TEA), OrderDelivered(delivered_at=LATER)], "delivered"),
        ([OrderDelivered(delivered_at=LATER), accepted(TEA)], "delivered"),
        ([OrderDelivered(delivered_at=LATER), lost(3, ONE_TEA)], "delivered"),
    ],
)
async def test_an_order_ends_also_where_parcels_are_lost(then: Sequence[Event], state: str) -> None:
    orders = await told(ORDERS, at("o-1", placed(), *SENT, *then))
    assert (await orders.row("o-1"))["state"] == state


async def test_a_cancellation_still_waits_for_answers_after_a_loss() -> None:
    cancelling = (confirmed(), CancellationRequested(reason=""), lost(1, TEA))
    orders = await told(ORDERS, at("o-1", placed(), *cancelling))
    assert (await orders.row("o-1"))["state"] == "cancelling"


async def test_what_an_order_has_given_back_is_added_up_without_exchanges() -> None:
    orders = await told(ORDERS, at("o-1", placed(), *SENT))
    assert (await orders.row("o-1"))["returned"] == 0
    came_back = (accepted(ONE_TEA), accepted(ONE_TEA, exchange=True), unavailable(ONE_TEA))
    orders = await told(ORDERS, at("o-1", placed(), *SENT, *came_back, lost(2, POT)))
    row = await orders.row("o-1")
    assert (row["returned"], row["cancelled"]) == (500 + 500 + 3500, 0)


async def test_what_nobody_pays_is_shown_until_it_is_set_off() -> None:
    unpaid = (ParcelUnpaid(parcel=1, amount=eur(700)), ParcelUnpaid(parcel=2, amount=eur(100)))
    orders = await told(ORDERS, at("o-1", placed(), *unpaid))
    assert (await orders.row("o-1"))["unpaid"] == 800
    set_off = RefundBooked(set_off=eur(300), shares=[])
    orders = await told(ORDERS, at("o-1", placed(), *unpaid, set_off))
    assert (await orders.row("o-1"))["unpaid"] == 500


async def test_parcels_show_how_they_ended_and_which_are_replacements() -> None:
    further = ShipmentPlanned(parcel=3, seller_id="shop", lines=[], value=eur(0), replacement=True)
    failed = DeliveryFailed(parcel=1, lines=[], reason="", failed_at=LATER)
    gone = ShipmentLost(parcel=2, lines=[], reason="", lost_at=LATER)
    orders = await told(
        ORDERS,
        at("o-1", placed(), confirmed()),
        at("o-1", planned(1, TEA), planned(2, POT), dispatched(1, TEA), dispatched(2, POT)),
        at("o-1", failed, gone, further),
    )
    parcels = (await orders.row("o-1"))["parcels"]
    assert [(one["state"], one["replacement"]) for one in parcels] == [
        ("failed", False),
        ("lost", False),
        ("planned", True),
    ]


async def test_stock_counts_what_came_back_and_what_of_it_was_scrapped() -> None:
    stock = await told(
        STOCK,
        at(
            "tea-1",
            StockReceived(quantity=10, note=""),
            UnitsReserved(order_id="o-1", quantity=4),
            UnitsShipped(order_id="o-1", quantity=4),
            UnitsReturned(order_id="o-1", quantity=3),
            StockWrittenOff(quantity=1, reason="", order_id="o-1"),
        ),
    )
    assert await stock.ask("get", "tea-1") == {
        "sku": "tea-1",
        "on_hand": 8,
        "reserved": 0,
        "available": 8,
        "shipped": 4,
        "returned": 3,
    }


@pytest.mark.parametrize("back", [accepted(ONE_TEA), lost(1, ONE_TEA), unavailable(ONE_TEA)])
async def test_sales_take_back_what_came_back_or_never_arrived_from_its_month(back: Event) -> None:
    sales = await told(SALES, at("o-1", confirmed(), back))
    row = await sales.row("2025-12/tea-1/shop/EUR")
    assert (row["units"], row["revenue"], row["freight"]) == (1, 450, 50)
    sales = await told(SALES, at("o-1", confirmed(), back, back))
    assert await sales.row("2025-12/tea-1/shop/EUR") is None


async def test_an_exchange_changes_no_sales() -> None:
    sales = await told(SALES, at("o-1", confirmed(), accepted(TEA, exchange=True)))
    row = await sales.row("2025-12/tea-1/shop/EUR")
    assert (row["units"], row["revenue"], row["freight"]) == (2, 900, 100)


async def test_a_card_that_still_holds_money_is_not_refunded_by_what_one_parcel_gave_back() -> None:
    asked = AuthorizationRequested(
        customer_id="c",
        payment=1,
        type="credit_card",
        amount=eur(100),
        installments=1,
        token="",
    )
    held = PaymentAuthorized(payment=1, type="credit_card", amount=eur(100), reference="r")
    taken = PaymentCaptured(payment=1, parcel=1, type="credit_card", amount=eur(40))
    back = PaymentRefunded(payment=1, type="credit_card", amount=eur(40))
    payments = await told(PAYMENTS, at("o-1", asked, held, taken, back))
    assert (await payments.row("o-1/1"))["state"] == "partly_captured"
    let_go = PaymentVoided(payment=1, number=2, type="credit_card", amount=eur(60))
    payments = await told(PAYMENTS, at("o-1", asked, held, taken, back, let_go))
    assert (await payments.row("o-1/1"))["state"] == "refunded"
