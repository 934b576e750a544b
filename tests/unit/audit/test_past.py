"""Orders of the past are judged by their own rules, and added up by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bus import envelope
from bus.envelope import Key
from bus.messages import Event, Money
from domains.inventory.messages import Part, PastStockRecorded
from domains.ordering.messages import (
    PastCourseAccepted,
    PastOrderClosed,
    PastOrderRecorded,
    PaymentRequested,
)
from domains.payments.messages import PastPayment, PastPaymentsAdjusted, PastPaymentsRecorded
from domains.shipping.messages import PastShipmentsRecorded
from scripts.audit.amounts import amount
from scripts.audit.books import Books
from tests.controls.examples.past import LINE, ORDER, SHIPMENTS

NOW = datetime(2026, 1, 5, tzinfo=UTC)
LEFT = PastStockRecorded(parts=[Part(sku="tea-1", quantity=2)])
(PARCEL,) = SHIPMENTS.parcels
AGGREGATES: dict[type[Event], tuple[str, str]] = {
    PastOrderRecorded: ("ordering", "order"),
    PaymentRequested: ("ordering", "order"),
    PastOrderClosed: ("ordering", "order"),
    PastCourseAccepted: ("ordering", "order"),
    PastPaymentsAdjusted: ("payments", "payment"),
    PastStockRecorded: ("inventory", "reservation"),
    PastPaymentsRecorded: ("payments", "payment"),
    PastShipmentsRecorded: ("shipping", "shipment"),
}


def brl(cents: int) -> Money:
    return Money(cents, "BRL")


def paid(*cents: int) -> PastPaymentsRecorded:
    payments = [
        PastPayment(payment=number, type="boleto", amount=brl(each))
        for number, each in enumerate(cents, 1)
    ]
    return PastPaymentsRecorded(payments=payments, total=brl(sum(cents)))


def sent(**changes: Any) -> PastShipmentsRecorded:
    times: dict[str, Any] = {}
    if changes.get("state", "delivered") != "delivered":
        times = {"dispatched_at": None, "delivered_at": None}
    return PastShipmentsRecorded(parcels=[replace(PARCEL, **{**times, **changes})])


def adjusted(change: int, kept: int) -> PastPaymentsAdjusted:
    return PastPaymentsAdjusted(change=change, kept=brl(kept), rule="past", divergence_id="d-1")


PAID = paid(1000)
NOTHING_SENT = PastShipmentsRecorded(parcels=[])
EMPTY = replace(ORDER, lines=[], total=brl(0), state="confirmed")


def told(*orders: list[Event]) -> Books:
    books = Books(["ordering", "inventory", "payments", "shipping"])
    versions: dict[Key, int] = {}
    for number, events in enumerate(orders, 1):
        for event in events:
            domain, aggregate = AGGREGATES[type(event)]
            key = Key(aggregate, f"o-{number}")
            versions[key] = versions.get(key, 0) + 1
            body = envelope.encode(
                event=event,
                event_id="e",
                domain=domain,
                key=key,
                version=versions[key],
                dataversion=1,
                time=NOW,
                correlation_id="c",
                causation_id="c",
            )
            books.take(domain, books.trails[domain].position + 1, body)
    books.balance(NOW + timedelta(minutes=1))
    return books


def found(*events: Event) -> list[tuple[str, int]]:
    return [(finding.rule, finding.amount) for finding in told([*events]).findings()]


def test_books_that_agree_balance() -> None:
    assert found(ORDER, PAID, LEFT, SHIPMENTS) == []


def test_an_order_that_has_not_left_yet_balances_with_its_money() -> None:
    for state in ("placed", "confirmed"):
        order = replace(ORDER, state=state)
        assert found(order, PAID, sent(state="planned")) == []


def test_what_was_only_placed_need_not_be_paid() -> None:
    assert found(replace(ORDER, state="placed"), paid(), sent(state="planned")) == []


@pytest.mark.parametrize(
    ("events", "rule", "off"),
    [
        ([ORDER, paid(900, 101), LEFT, SHIPMENTS], "what is kept is what the order cost", 1),
        ([ORDER, paid(400), LEFT, SHIPMENTS], "what is kept is what the order cost", 600),
        ([ORDER, paid(), LEFT, SHIPMENTS], "nothing is given for nothing", 1000),
        ([ORDER, paid(0), LEFT, SHIPMENTS], "nothing is given for nothing", 1000),
        ([EMPTY, paid(20), NOTHING_SENT], "nothing is kept for no lines", 20),
        (
            [replace(ORDER, state="cancelled"), PAID, sent(state="called_off")],
            "nothing is kept for what was cancelled",
            1000,
        ),
        (
            [replace(ORDER, state="cancelled"), PAID, LEFT, SHIPMENTS],
            "nothing is kept for what was cancelled",
            1000,
        ),
        (
            [replace(EMPTY, state="cancelled"), paid(20), NOTHING_SENT],
            "nothing is kept for what was cancelled",
            20,
        ),
    ],
)
def test_money_that_does_not_fit_is_one_finding(events: list[Event], rule: str, off: int) -> None:
    assert found(*events) == [(rule, off)]


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        ([replace(ORDER, total=brl(1))], "an order's lines cost its total"),
        ([replace(PAID, total=brl(1))], "an order's payments are their total"),
        ([NOTHING_SENT], "every line is in one parcel"),
        ([sent(value=brl(1))], "parcel 1 is worth its lines"),
        ([replace(LEFT, parts=[Part(sku="tea-1", quantity=1)])], "what left was taken"),
        ([sent(state="dispatched")], "an order is as far as its parcels"),
        ([replace(ORDER, state="shipped")], "an order is as far as its parcels"),
        ([sent(state="called_off")], "what left was taken"),
    ],
)
def test_services_that_remember_other_things_are_found(events: list[Event], rule: str) -> None:
    (other,) = events
    told = [other if type(fact) is type(other) else fact for fact in (ORDER, PAID, LEFT, SHIPMENTS)]
    assert rule in {rule for rule, _ in found(*told)}


OVERPAID = [ORDER, paid(1300), LEFT, SHIPMENTS]


def test_an_entry_puts_the_money_right() -> None:
    assert found(*OVERPAID, adjusted(-300, 1000)) == []
    cancelled = [replace(ORDER, state="cancelled"), PAID, sent(state="called_off")]
    assert found(*cancelled, adjusted(-1000, 0)) == []
    assert found(ORDER, paid(), LEFT, SHIPMENTS, adjusted(1000, 1000)) == []


@pytest.mark.parametrize(
    ("entries", "off"),
    [
        ([adjusted(-299, 1001)], 1),
        ([adjusted(300, 1600)], 600),
        ([adjusted(-300, 1000), adjusted(-300, 700)], 300),
    ],
)
def test_an_entry_of_a_wrong_amount_does_not(entries: list[Event], off: int) -> None:
    assert found(*OVERPAID, *entries) == [("what is kept is what the order cost", off)]


def test_an_entry_says_what_is_kept_after_it() -> None:
    assert found(*OVERPAID, adjusted(-300, 900)) == [("an order's payments are their total", 100)]


def test_what_is_closed_or_taken_as_it_was_told_is_so_once() -> None:
    closed = PastOrderClosed(rule="past-never-finished-shipped", divergence_id="d-1")
    accepted = PastCourseAccepted(rule="past-left-before-approval", divergence_id="d-2")
    other = replace(accepted, rule="past-no-carrier-date")
    facts = [ORDER, PAID, LEFT, SHIPMENTS]
    assert found(*facts, closed, accepted, other) == []
    assert found(*facts, closed, accepted, closed) == [("an order is settled once", 0)]
    assert found(*facts, accepted, other, accepted) == [("an order is settled once", 0)]


def test_a_closed_order_keeps_its_money() -> None:
    closed = PastOrderClosed(rule="past-never-finished-approved", divergence_id="d-1")
    order = replace(ORDER, state="confirmed")
    assert found(order, PAID, sent(state="planned"), closed) == []


def test_an_order_that_only_some_remember_is_found() -> None:
    assert found(ORDER, LEFT, SHIPMENTS) == [("all services remember the same orders", 0)]
    assert found(PAID, LEFT, SHIPMENTS) == [("known to ordering", 0)]
    assert found(ORDER, PAID, SHIPMENTS) == [("what left was taken", 2)]


def test_what_is_past_does_not_go_on() -> None:
    asked = PaymentRequested(customer_id="c", payments=[], total=brl(0), expires_at=NOW)

    assert found(ORDER, asked, PAID, LEFT, SHIPMENTS) == [("an order lives or is past", 0)]


def test_the_past_is_added_up_by_itself() -> None:
    books = told(
        [ORDER, PAID, LEFT, SHIPMENTS],
        [ORDER, paid(1300), LEFT, SHIPMENTS],
        [ORDER, paid(), LEFT, SHIPMENTS],
        [replace(ORDER, state="cancelled"), paid(50), sent(state="called_off")],
    )

    assert (books.orders, books.money()) == (0, {})
    assert books.past() == {
        "BRL": {
            "orders": 4,
            "unbalanced": 3,
            "worth": 4000,
            "left": 3000,
            "kept": 2350,
            "over": 350,
            "under": 1000,
        }
    }


def test_lines_of_one_order_are_worth_what_they_cost() -> None:
    cup = replace(LINE, line=2, sku="cup-1", quantity=1, price=brl(5), freight=brl(0))
    order = replace(ORDER, lines=[LINE, cup], total=brl(1005))

    (of_lines,) = [rule for rule, _ in found(order, paid(1005), LEFT, SHIPMENTS)]
    assert of_lines == "every line is in one parcel"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_456_705, "BRL", "BRL 1,234,567.05"),
        (5, "BRL", "BRL 0.05"),
        (-5, "EUR", "EUR -0.05"),
        (1200, "JPY", "JPY 1,200"),
        (1200, "KWD", "KWD 1.200"),
    ],
)
def test_amounts_are_shown_in_whole_units(minor: int, currency: str, text: str) -> None:
    assert amount(minor, currency) == text
