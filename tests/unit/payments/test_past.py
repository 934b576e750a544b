"""Money that was paid elsewhere is recorded as it was, and nobody is asked for it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bus.messages import Command, Money
from bus.testing import at, given
from domains.payments.domain import DOMAIN
from domains.payments.messages import (
    AdjustPastPayments,
    CapturePayments,
    CollectPayments,
    PastPayment,
    PastPaymentsAdjusted,
    PastPaymentsRecorded,
    PaymentsSecured,
    RecordPastPayments,
    ReturnPayments,
)
from domains.reconciliation import messages as reconciliation
from domains.reconciliation.messages import CompensationRequested, Subject
from tests.controls.examples.past import ORDER, SHIPMENTS
from tests.unit.payments.examples import eur

CARD = PastPayment(payment=2, type="credit_card", amount=eur(1000), installments=3)
NOTHING = PastPayment(payment=3, type="not_defined", amount=eur(0), installments=0)
RECORD = RecordPastPayments(id="o-1", currency="EUR", payments=[CARD, NOTHING])
RECORDED = PastPaymentsRecorded(payments=[CARD, NOTHING], total=eur(1000))


def test_payments_are_recorded_with_their_own_numbers_and_nobody_is_called() -> None:
    given(DOMAIN).when(RECORD).then(RECORDED).then_duties()


def test_an_order_that_nobody_paid_is_recorded_too() -> None:
    unpaid = PastPaymentsRecorded(payments=[], total=eur(0))

    given(DOMAIN).when(replace(RECORD, payments=[])).then(unpaid)


ADJUST = AdjustPastPayments(id="o-1", kept=eur(400), rule="past-overpaid", divergence_id="d-1")
ADJUSTED = PastPaymentsAdjusted(
    change=-600, kept=eur(400), rule="past-overpaid", divergence_id="d-1"
)


def test_an_entry_changes_what_is_kept_and_nobody_is_called() -> None:
    given(DOMAIN, RECORDED).when(ADJUST).then(ADJUSTED).then_duties()
    more = replace(ADJUSTED, change=250, kept=eur(1250))
    given(DOMAIN, RECORDED).when(replace(ADJUST, kept=eur(1250))).then(more).then_duties()


def test_an_entry_that_is_there_is_not_booked_again() -> None:
    given(DOMAIN, RECORDED, ADJUSTED).when(ADJUST).then_nothing()
    given(DOMAIN, RECORDED).when(replace(ADJUST, kept=eur(1000))).then_nothing()


def test_an_entry_rests_on_all_entries_before_it() -> None:
    back = replace(ADJUSTED, change=600, kept=eur(1000))
    given(DOMAIN, RECORDED, ADJUSTED).when(replace(ADJUST, kept=eur(1000))).then(back)
    # As if it had been booked twice: what is kept is what the changes add up to.
    twice = given(DOMAIN, RECORDED, ADJUSTED, ADJUSTED)
    twice.when(ADJUST).then(replace(ADJUSTED, change=600, kept=eur(400)))


def test_what_has_had_an_entry_is_of_the_past_all_the_same() -> None:
    adjusted = given(DOMAIN, RECORDED, ADJUSTED)
    adjusted.when(RECORD).then_nothing()
    adjusted.when(CapturePayments(id="o-1", parcel=1, value=eur(1))).then_refused("PastOrder")


def test_no_entry_puts_right_what_lives_or_was_never_paid() -> None:
    given(DOMAIN, PaymentsSecured(total=eur(0))).when(ADJUST).then_refused("NotPast")
    given(DOMAIN).when(ADJUST).then_refused("NotPast")


def test_an_entry_is_in_the_currency_that_was_paid_in() -> None:
    other = replace(ADJUST, kept=Money(400, "BRL"))
    given(DOMAIN, RECORDED).when(other).then_refused("CurrencyMismatch")


def test_what_reconciliation_asks_for_becomes_an_entry() -> None:
    asked = CompensationRequested(
        rule="past-overpaid",
        of=Subject(kind="order", id="o-1"),
        domain="payments",
        number=1,
        remedy=reconciliation.AdjustPastPayments(kept=eur(400)),
        approved=False,
        why="",
    )
    heard = given(DOMAIN, at("o-1", RECORDED)).when_heard(asked, id="d-1")
    heard.then(at("o-1", ADJUSTED)).then_duties()
    other = replace(asked, domain="ordering", remedy=reconciliation.ClosePastOrder())
    assert given(DOMAIN).when_heard(other, id="d-1").commands == ()


def test_the_same_again_changes_nothing_and_anything_else_is_refused() -> None:
    recorded = given(DOMAIN, RECORDED)
    recorded.when(RECORD).then_nothing()
    for payments in ([CARD], [replace(CARD, installments=4), NOTHING], []):
        recorded.when(replace(RECORD, payments=payments)).then_refused("OrderExists")


def test_the_money_of_a_living_order_has_no_past() -> None:
    given(DOMAIN, PaymentsSecured(total=eur(0))).when(RECORD).then_refused("OrderExists")


@pytest.mark.parametrize(
    "command",
    [
        CapturePayments(id="o-1", parcel=1, value=eur(1)),
        ReturnPayments(id="o-1", value=eur(1), all_of_it=True, cause_id="ordering:1"),
        CollectPayments(
            id="o-1",
            customer_id="c",
            total=eur(0),
            types=[],
            amounts=[],
            installments=[],
            tokens=[],
        ),
    ],
)
def test_nothing_else_is_done_about_it(command: Command) -> None:
    given(DOMAIN, RECORDED).when(command).then_refused("PastOrder")


def test_a_past_order_asks_for_no_money() -> None:
    assert given(DOMAIN).when_heard(ORDER, id="o-1").commands == ()
    assert given(DOMAIN).when_heard(SHIPMENTS, id="o-1").commands == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"payments": [CARD, CARD]}, "PaymentTwice"),
        ({"currency": "BRL"}, "CurrencyMismatch"),
        ({"payments": [replace(CARD, amount=Money(1, "BRL"))]}, "CurrencyMismatch"),
        (
            {"payments": [replace(CARD, amount=eur(2**53 - 1)), replace(CARD, payment=9)]},
            "AmountTooLarge",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], code: str) -> None:
    given(DOMAIN).when(replace(RECORD, **change)).then_refused(code)
