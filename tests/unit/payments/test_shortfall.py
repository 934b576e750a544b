"""The provider took less than it was asked for, and said so."""

from __future__ import annotations

from bus.decider import Refused
from bus.testing import Given
from domains.payments.messages import (
    BookShortfall,
    CapturePayments,
    ChargeMoved,
    ParcelUnpaid,
    PaymentCaptured,
    ShortfallBooked,
)
from tests.unit.payments.examples import BOLETO, CARD, PAID, eur, payments, shares, void

RULE = "captured-too-little"
ID = "captured-too-little-o-1-2"
BOOK = BookShortfall(id="o-1", payment=CARD, rule=RULE, divergence_id=ID)


def less(asked: int, lacking: int) -> PaymentCaptured:
    amount = eur(asked - lacking)
    return PaymentCaptured(payment=CARD, parcel=1, type="credit_card", amount=amount)


def booked(amount: int) -> ShortfallBooked:
    return ShortfallBooked(
        payment=CARD,
        parcel=1,
        amount=eur(amount),
        rule=RULE,
        divergence_id=ID,
    )


def left(value: int, taken: PaymentCaptured) -> Given:
    """A parcel of that value, for which the card has given so much."""
    parcel = CapturePayments(id="o-1", parcel=1, value=eur(value))
    return payments(*PAID, *payments(*PAID).when(parcel).events, taken)


def test_what_a_card_did_not_give_the_others_give_and_its_hold_is_let_go() -> None:
    moved = ChargeMoved(parcel=1, amount=eur(300), shares=shares({BOLETO: 300}))
    out = left(3000, less(2000, 300)).when(BOOK)
    out.then(booked(300), moved, void(300))
    out.when(BOOK).then_nothing()


def test_what_nobody_gives_stays_unpaid() -> None:
    unpaid = ParcelUnpaid(parcel=1, amount=eur(1))
    left(10_000, less(5000, 1)).when(BOOK).then(booked(1), unpaid, void(1))


def test_where_nothing_lacks_nothing_is_booked() -> None:
    left(3000, less(2000, 0)).when(BOOK).then_nothing()
    payments(*PAID).when(BOOK).then_nothing()


def test_a_payment_that_the_order_does_not_have_is_refused() -> None:
    nobody = BookShortfall(id="o-1", payment=9, rule=RULE, divergence_id=ID)
    payments(*PAID).when(nobody).then(Refused("UnknownPayment"))
