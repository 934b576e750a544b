"""Orders that were played elsewhere: recorded once as they were, and left alone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from bus.decider import Refused
from bus.messages import Command, Event
from bus.testing import NOW, at, given
from domains.inventory.messages import Part, PastStockRecorded
from domains.ordering.domain import DOMAIN
from domains.ordering.messages import (
    AcceptPastCourse,
    CancelOrder,
    ClosePastOrder,
    ConfirmOrder,
    ExpireOrder,
    Line,
    OrderCancelled,
    PastCourseAccepted,
    PastOrderClosed,
    PastOrderRecorded,
    PastState,
    PlaceOrder,
    RecordDelivery,
    RecordDispatch,
    RecordPastOrder,
    RequestPayment,
)
from domains.payments.messages import PastPayment, PastPaymentsRecorded, PaymentsSecured
from domains.reconciliation import messages as reconciliation
from domains.shipping.messages import PastShipmentsRecorded
from tests.unit.ordering.examples import PLACED, POT, TEA, eur, ordering

RIO = timezone(timedelta(hours=-3))
RECORD = RecordPastOrder(
    id="o-1",
    customer_id="c-7",
    currency="EUR",
    lines=[TEA, POT],
    state="shipped",
    status="despachado",
    ordered_at=datetime(2017, 10, 2, 22, 56, 33, tzinfo=RIO),
    approved_at=datetime(2017, 10, 2, 23, 7, 15, tzinfo=RIO),
)
RECORDED = PastOrderRecorded(
    customer_id="c-7",
    lines=[TEA, POT],
    total=eur(1000 + 3500),
    state="shipped",
    status="despachado",
    ordered_at=RECORD.ordered_at,
    approved_at=RECORD.approved_at,
    delivered_at=None,
)
PLACE = PlaceOrder(
    id="o-1",
    customer_id="c-7",
    lines=[Line(sku="tea-1", quantity=2, price=eur(450), freight=eur(100), seller_id="shop")],
)


def test_a_past_order_is_recorded_as_it_was_with_what_its_lines_cost() -> None:
    outcome = ordering().when(RECORD).then(RECORDED).then_duties()

    (fact,) = outcome.events
    assert isinstance(fact, PastOrderRecorded)
    assert fact.origin == "history"
    assert fact.ordered_at.isoformat() == "2017-10-03T01:56:33+00:00"


CLOSE = ClosePastOrder(id="o-1", rule="past-never-finished-shipped", divergence_id="d-1")
CLOSED = PastOrderClosed(rule="past-never-finished-shipped", divergence_id="d-1")
ACCEPT = AcceptPastCourse(id="o-1", rule="past-left-before-approval", divergence_id="d-2")
ACCEPTED = PastCourseAccepted(rule="past-left-before-approval", divergence_id="d-2")


def test_what_was_never_finished_is_closed_once() -> None:
    ordering(RECORDED).when(CLOSE).then(CLOSED).then_duties()
    ordering(RECORDED, ACCEPTED, CLOSED).when(replace(CLOSE, divergence_id="d-9")).then_nothing()


@pytest.mark.parametrize("state", ["delivered", "cancelled"])
def test_what_came_to_its_end_is_not_closed(state: PastState) -> None:
    ended = replace(RECORDED, state=state)
    ordering(ended).when(CLOSE).then_refused("AlreadyEnded")


def test_a_course_is_taken_as_it_was_told_once_for_each_rule() -> None:
    ordering(RECORDED).when(ACCEPT).then(ACCEPTED).then_duties()
    ordering(RECORDED, ACCEPTED).when(replace(ACCEPT, divergence_id="d-9")).then_nothing()
    other = replace(ACCEPT, rule="past-left-without-approval")
    accepted = replace(ACCEPTED, rule="past-left-without-approval")
    ordering(RECORDED, CLOSED, ACCEPTED).when(other).then(accepted)


@pytest.mark.parametrize("entry", [CLOSE, ACCEPT])
def test_no_entry_is_made_for_what_lives_or_is_not_known(entry: Command) -> None:
    ordering(PLACED).when(entry).then_refused("NotPast")
    ordering().when(entry).then_refused("NotPast")


def test_what_is_closed_is_of_the_past_all_the_same() -> None:
    closed = ordering(RECORDED, CLOSED, ACCEPTED)
    closed.when(RECORD).then_nothing()
    closed.when(CancelOrder(id="o-1")).then_refused("PastOrder")
    closed.when(PLACE).then_refused("OrderExists")


@pytest.mark.parametrize(
    ("remedy", "rule", "id", "entry"),
    [
        (reconciliation.ClosePastOrder(), CLOSED.rule, "d-1", CLOSED),
        (reconciliation.AcceptPastCourse(), ACCEPTED.rule, "d-2", ACCEPTED),
    ],
)
def test_what_reconciliation_asks_for_becomes_an_entry(
    remedy: reconciliation.Remedy, rule: str, id: str, entry: Event
) -> None:
    asked = reconciliation.CompensationRequested(
        rule=rule,
        of=reconciliation.Subject(kind="order", id="o-1"),
        domain="ordering",
        number=1,
        remedy=remedy,
        approved=True,
        why="",
    )
    heard = given(DOMAIN, at("o-1", RECORDED)).when_heard(asked, id=id)
    heard.then(at("o-1", entry)).then_duties()


def test_the_same_again_changes_nothing() -> None:
    ordering(RECORDED).when(RECORD).then_nothing()


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": "c-8"},
        {"lines": [TEA]},
        {"state": "delivered"},
        {"status": "enviado"},
        {"ordered_at": NOW},
        {"approved_at": None},
        {"delivered_at": NOW},
    ],
)
def test_anything_else_under_the_same_id_is_refused(change: dict[str, Any]) -> None:
    ordering(RECORDED).when(replace(RECORD, **change)).then_refused("OrderExists")


def test_an_order_without_lines_cost_nothing_and_has_a_currency_all_the_same() -> None:
    empty = ordering().when(replace(RECORD, lines=[])).events[0]

    assert isinstance(empty, PastOrderRecorded)
    assert (empty.lines, empty.total) == ([], eur(0))


def test_a_living_order_has_no_past() -> None:
    ordering(PLACED).when(RECORD).then_refused("OrderExists")


def test_what_is_past_can_not_be_placed() -> None:
    ordering(RECORDED).when(PLACE).then_refused("OrderExists")


@pytest.mark.parametrize(
    "command",
    [
        CancelOrder(id="o-1"),
        RequestPayment(id="o-1"),
        ConfirmOrder(id="o-1"),
        ExpireOrder(id="o-1"),
        RecordDispatch(id="o-1", parcel=1, dispatched_at=NOW),
        RecordDelivery(id="o-1", parcel=1, delivered_at=NOW),
    ],
)
def test_nothing_else_is_done_about_it(command: Command) -> None:
    ordering(RECORDED).when(command).then_refused("PastOrder")


def test_nothing_that_others_remember_is_acted_on() -> None:
    paid = PastPaymentsRecorded(
        payments=[PastPayment(payment=1, type="boleto", amount=eur(4500))], total=eur(4500)
    )
    left = PastStockRecorded(parts=[Part(sku="tea-1", quantity=2)])
    for fact in (paid, left, PastShipmentsRecorded(parcels=[])):
        assert ordering(PLACED).when_heard(fact, id="o-1").commands == ()
    ordering(RECORDED).when_heard(PaymentsSecured(total=eur(1)), id="o-1").then_refused("PastOrder")


def test_the_living_live_on() -> None:
    ordering(PLACED).when(CancelOrder(id="o-1")).then(
        OrderCancelled(
            cause="customer",
            reason="",
            lines=PLACED.lines,
            value=PLACED.total,
            ordered_at=PLACED.ordered_at,
            confirmed=False,
        )
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lines": [TEA, TEA]}, "LineTwice"),
        ({"currency": "BRL"}, "CurrencyMismatch"),
        ({"ordered_at": NOW + timedelta(days=2)}, "TimeOutOfRange"),
        ({"approved_at": datetime(1969, 1, 1, tzinfo=RIO)}, "TimeOutOfRange"),
        ({"delivered_at": NOW + timedelta(days=2)}, "TimeOutOfRange"),
        ({"lines": [replace(TEA, price=eur(2**53 - 1))]}, "AmountTooLarge"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], code: str) -> None:
    ordering().when(replace(RECORD, **change)).then(Refused(code))
