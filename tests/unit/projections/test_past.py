"""What the views make of orders that were played elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from bus.messages import Event, Money
from bus.testing import at
from bus.testing.told import told
from domains.catalog.messages import PastProductRecorded, ProductListed
from domains.inventory.messages import Part, PastStockRecorded, StockReceived
from domains.ordering.messages import PastState
from domains.payments.messages import PastPayment, PastPaymentsRecorded
from domains.shipping.messages import ParcelLine, PastParcel, PastShipmentsRecorded
from projections.orders import VIEW as ORDERS
from projections.payments import VIEW as PAYMENTS
from projections.products import VIEW as PRODUCTS
from projections.sales import VIEW as SALES
from projections.stock import VIEW as STOCK
from tests.controls.examples.past import ACCEPTED, ADJUSTED, CLOSED, ORDER, SHIPMENTS
from tests.controls.examples.past import PAYMENTS as PAID
from tests.unit.projections.examples import confirmed

LEFT = PastStockRecorded(parts=[Part(sku="tea-1", quantity=2)])


async def test_a_past_order_is_shown_as_it_was() -> None:
    orders = await told(ORDERS, at("o-1", ORDER, LEFT, PAID, SHIPMENTS))
    row = await orders.row("o-1")

    assert (row["origin"], row["state"], row["past_status"]) == (
        "history",
        "delivered",
        "delivered",
    )
    assert (row["customer_id"], row["total"], row["currency"]) == ("c-7", 1000, "BRL")
    assert row["ordered_at"] == "2017-10-02T10:56:33.000000Z"
    assert row["approved_at"] == "2017-10-03T10:56:33.000000Z"
    assert [(one["payment"], one["state"], one["settled"]) for one in row["payments"]] == [
        (2, "settled", 1001),
        (3, "settled", 0),
    ]
    (parcel,) = row["parcels"]
    assert (parcel["state"], parcel["seller_id"]) == ("delivered", "shop")
    assert parcel["dispatched_at"].startswith("2017-10-04")
    assert [(one["domain"], one["event"]) for one in row["timeline"]] == [
        ("ordering", "PastOrderRecorded"),
        ("inventory", "PastStockRecorded"),
        ("payments", "PastPaymentsRecorded"),
        ("shipping", "PastShipmentsRecorded"),
    ]


async def test_the_entries_that_put_a_past_order_right_are_shown_with_it() -> None:
    facts = at("o-1", ORDER, PAID, SHIPMENTS)
    orders = await told(ORDERS, facts, at("o-1", ADJUSTED, CLOSED, ACCEPTED))
    row = await orders.row("o-1")

    assert [(one["event"], one["rule"], one["change"]) for one in row["entries"]] == [
        ("PastPaymentsAdjusted", "past-rounding", -1),
        ("PastOrderClosed", "past-never-finished-shipped", 0),
        ("PastCourseAccepted", "past-left-before-approval", 0),
    ]
    assert row["entries"][0]["divergence_id"] == ADJUSTED.divergence_id
    assert [one["event"] for one in row["timeline"]][3:] == [one["event"] for one in row["entries"]]
    before = await (await told(ORDERS, facts)).row("o-1")
    for field in ("state", "past_status", "total", "cancelled", "payments", "parcels"):
        assert row[field] == before[field]


async def test_an_entry_is_a_row_beside_the_payments_that_it_changes() -> None:
    payments = await told(PAYMENTS, at("o-1", PAID, ADJUSTED))

    entry = await payments.row("o-1/0")
    assert (entry["type"], entry["state"], entry["adjusted"]) == ("entry", "booked", -1)
    assert (entry["amount"], entry["currency"], entry["origin"]) == (0, "BRL", "history")
    shown = (await payments.ask("get", "o-1"))["payments"]
    assert [(one["payment"], one["settled"] + one["adjusted"]) for one in shown] == [
        (0, -1),
        (2, 1001),
        (3, 0),
    ]
    twice = await told(PAYMENTS, at("o-1", PAID, ADJUSTED, ADJUSTED))
    assert (await twice.row("o-1/0"))["adjusted"] == -2


async def test_entries_change_nothing_of_what_was_sold() -> None:
    sales = await told(SALES, at("o-1", ORDER, CLOSED, ACCEPTED))
    before = await told(SALES, at("o-1", ORDER))

    assert await sales.ask("by_month") == await before.ask("by_month")


async def test_a_parcel_that_left_nobody_knows_when_has_no_time() -> None:
    parcel = PastParcel(
        parcel=2,
        seller_id="bob",
        lines=[ParcelLine(line=1, sku="cup-1", quantity=1)],
        value=Money(1, "BRL"),
        state="delivered",
    )
    orders = await told(ORDERS, at("o-1", ORDER, PastShipmentsRecorded(parcels=[parcel])))

    (shown,) = (await orders.row("o-1"))["parcels"]
    assert (shown["parcel"], shown["state"], shown["dispatched_at"]) == (2, "delivered", None)


async def test_what_was_cancelled_was_worth_its_lines() -> None:
    orders = await told(ORDERS, at("o-1", replace(ORDER, state="cancelled", status="canceled")))
    row = await orders.row("o-1")

    assert (row["state"], row["past_status"], row["cancelled"]) == ("cancelled", "canceled", 1000)


async def test_orders_of_the_past_are_counted_by_themselves() -> None:
    empty = replace(ORDER, lines=[], total=Money(0, "BRL"))
    orders = await told(ORDERS, at("o-1", ORDER), at("o-2", ORDER), at("o-3", empty))

    (counted,) = (await orders.ask("counts"))["rows"]
    assert (counted["origin"], counted["count"], counted["total"]) == ("history", 3, 2000)


async def test_each_payment_of_the_past_is_one_and_was_settled_there() -> None:
    nobody = PastPaymentsRecorded(payments=[], total=Money(0, "BRL"))
    payments = await told(PAYMENTS, at("o-1", PAID), at("o-2", nobody))

    second = await payments.row("o-1/2")
    assert (second["type"], second["amount"], second["origin"]) == ("credit_card", 1001, "history")
    assert (await payments.row("o-1/3"))["type"] == "not_defined"
    totals = (await payments.ask("totals"))["rows"]
    assert sorted((one["type"], one["state"], one["settled"]) for one in totals) == [
        ("credit_card", "settled", 1001),
        ("not_defined", "settled", 0),
    ]


async def test_payments_need_not_start_at_one() -> None:
    late = PastPayment(payment=7, type="boleto", amount=Money(5, "BRL"))
    once = PastPaymentsRecorded(payments=[late], total=Money(5, "BRL"))
    payments = await told(PAYMENTS, at("o-1", once))

    assert [one["payment"] for one in (await payments.ask("get", "o-1"))["payments"]] == [7]


@pytest.mark.parametrize(
    ("state", "sold"),
    [("placed", 0), ("confirmed", 2), ("shipped", 2), ("delivered", 2), ("cancelled", 0)],
)
async def test_what_was_confirmed_there_and_not_cancelled_was_sold(
    state: PastState, sold: int
) -> None:
    sales = await told(SALES, at("o-1", replace(ORDER, state=state)))

    rows = (await sales.ask("by_month"))["rows"]
    assert [(one["month"], one["units"], one["revenue"], one["freight"]) for one in rows] == (
        [("2017-10", sold, 900, 100)] if sold else []
    )


async def test_past_and_living_sales_add_up() -> None:
    both: Sequence[Event] = [confirmed(ORDER.lines, ordered_at=ORDER.ordered_at)]
    sales = await told(SALES, at("o-1", ORDER), at("o-2", *both))

    assert (await sales.row("2017-10/tea-1/shop/BRL"))["units"] == 4


async def test_a_product_of_the_past_has_no_price_until_it_is_listed() -> None:
    past = PastProductRecorded(name="bebidas tea-1", category="bebidas")
    products = await told(PRODUCTS, at("tea-1", past))
    row = await products.row("tea-1")
    assert (row["category"], row["price"], row["listed"]) == ("bebidas", None, False)
    assert row["origin"] == "history"

    listed = ProductListed(name="Tea", price=Money(450, "EUR"), category="tea", seller_id="shop")
    products = await told(PRODUCTS, at("tea-1", past, listed))
    row = await products.row("tea-1")
    assert (row["price"], row["listed"], row["origin"]) == (450, True, None)


async def test_units_of_the_past_leave_the_stock_alone() -> None:
    stock = await told(STOCK, at("tea-1", StockReceived(quantity=5, note="")), at("o-1", LEFT))

    row = await stock.row("tea-1")
    assert (row["on_hand"], row["shipped"]) == (5, 0)
    assert await stock.row("o-1") is None
