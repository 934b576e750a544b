"""Money that was paid elsewhere is recorded as it was, and nobody is asked for it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bus.messages import Command, Money
from bus.testing import given
from domains.payments.domain import DOMAIN
from domains.payments.messages import (
    CapturePayments,
    CollectPayments,
    PastPayment,
    PastPaymentsRecorded,
    PaymentsSecured,
    RecordPastPayments,
    ReturnPayments,
)
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
