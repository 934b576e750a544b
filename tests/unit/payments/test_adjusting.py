"""Payments' books follow the provider's report, and what that leaves is set right."""

from __future__ import annotations

from msgspec.structs import replace

from domains.payments.messages import (
    CaptureRequested,
    ChargeMoved,
    Movement,
    ParcelCharged,
    ParcelUnpaid,
    PaymentCaptured,
    RefundBooked,
    RefundDue,
    RefundPayments,
    RefundRequested,
)
from tests.unit.payments.examples import (
    ASKED,
    BOLETO,
    CARD,
    PAID,
    VOUCHER,
    booked,
    capture,
    captured,
    declined,
    eur,
    payments,
    refund,
    refunded,
    settled,
    shares,
    stop,
    void,
    voided,
)
from tests.unit.payments.reports import adjust, adjusted, movement, reported, surplus

ALL = (
    movement("mv-1", VOUCHER, 1000),
    movement("mv-2", CARD, 2000),
    movement("mv-3", BOLETO, 4000),
)
CHARGED = ParcelCharged(parcel=1, value=eur(3000), shares=shares({VOUCHER: 1000, CARD: 2000}))
LEFT = (*PAID, CHARGED, capture(1, 2000), captured(1, 2000))
"""A parcel worth 3000 has left, one worth 7000 may still."""
STOPPED = replace(booked("ordering:9", {BOLETO: 3900, CARD: 3000}), missing=100)
"""All that is there goes back, where 100 were never there."""


def without(number: int) -> tuple[Movement, ...]:
    return tuple(each for each in ALL if each.id != f"mv-{number}")


def test_where_both_say_the_same_nothing_follows() -> None:
    agreed = payments(*LEFT, reported(*ALL))
    agreed.when(adjust(CARD, 0)).then_nothing()
    agreed.when(adjust(CARD, 100)).then_nothing()


def test_what_was_taken_beyond_is_given_back() -> None:
    told = reported(*ALL, movement("mv-4", BOLETO, 500))
    out = payments(*LEFT, told).when(adjust(BOLETO, 500))
    out.then(adjusted(BOLETO, 500), surplus(BOLETO, 500), refund(BOLETO, 500))
    out.when(adjust(BOLETO, 500)).then_nothing()


def test_it_is_given_back_of_what_it_was_taken_under() -> None:
    told = reported(*ALL, movement("mv-4", CARD, 2000, reference="ch_9"))
    back = RefundRequested(payment=CARD, number=1, amount=eur(2000), reference="ch_9")
    out = payments(*LEFT, told).when(adjust(CARD, 2000))
    out.then(adjusted(CARD, 2000), surplus(CARD, 2000, "ch_9"), back)
    answered = out.when(RefundPayments(id="o-1", value=eur(300), cause_id="ordering:9"))
    assert [event for event in answered.events if isinstance(event, RefundRequested)] == [
        refund(CARD, 300, 2)
    ]


def test_what_was_paid_back_already_is_not_given_back_again() -> None:
    told = reported(
        *ALL,
        movement("mv-4", CARD, 2000, reference="ch_9"),
        movement("mv-5", CARD, 1500, "refunded", reference="ch_9"),
    )
    out = payments(*LEFT, told).when(adjust(CARD, 2000, 1500))
    back = RefundRequested(payment=CARD, number=1, amount=eur(500), reference="ch_9")
    out.then(adjusted(CARD, 2000, 1500), surplus(CARD, 500, "ch_9"), back)


def test_what_was_declined_and_taken_all_the_same_is_given_back() -> None:
    told = reported(movement("mv-9", CARD, 5000, reference="ch_9"))
    failed = payments(*ASKED, declined(CARD), told)
    back = RefundRequested(payment=CARD, number=1, amount=eur(5000), reference="ch_9")
    failed.when(adjust(CARD, 5000)).then(adjusted(CARD, 5000), surplus(CARD, 5000, "ch_9"), back)


def test_what_a_card_did_not_give_is_claimed_from_others() -> None:
    out = payments(*LEFT, reported(*without(2))).when(adjust(CARD, -2000))
    moved = ChargeMoved(parcel=1, amount=eur(2000), shares=shares({BOLETO: 2000}))
    out.then(adjusted(CARD, -2000, parcels={1: -2000}), moved)
    out.when(adjust(CARD, -2000)).then_nothing()


def test_what_nobody_has_stays_unpaid() -> None:
    all_left = ParcelCharged(parcel=2, value=eur(7000), shares=shares({CARD: 3000, BOLETO: 4000}))
    more = movement("mv-4", CARD, 3000)
    told = (*LEFT, all_left, capture(2, 3000), captured(2, 3000), reported(*without(3), more))
    out = payments(*told).when(adjust(BOLETO, -4000))
    unpaid = ParcelUnpaid(parcel=2, amount=eur(4000))
    out.then(adjusted(BOLETO, -4000, parcels={2: -4000}), unpaid)


def test_what_nothing_has_claimed_is_missing_first() -> None:
    less = payments(*LEFT, reported(*without(3), movement("mv-3", BOLETO, 3900)))
    short = less.when(adjust(BOLETO, -100)).then(adjusted(BOLETO, -100, unclaimed=-100))
    short.when(stop()).then(STOPPED, void(3000), refund(BOLETO, 3900))


def test_a_line_that_comes_late_pays_what_was_unpaid() -> None:
    all_left = ParcelCharged(parcel=2, value=eur(7000), shares=shares({CARD: 3000, BOLETO: 4000}))
    unpaid = ParcelUnpaid(parcel=2, amount=eur(4000))
    known = payments(
        *(*LEFT, all_left, capture(2, 3000), captured(2, 3000)),
        *(adjusted(BOLETO, -4000, parcels={2: -4000}), unpaid, reported(*ALL)),
    )
    known.when(adjust(BOLETO, 4000)).then(adjusted(BOLETO, 4000, parcels={2: 4000}))


def test_a_line_that_comes_late_is_there_to_be_claimed() -> None:
    short = adjusted(BOLETO, -100, unclaimed=-100)
    known = payments(*LEFT, short, reported(*ALL))
    known.when(adjust(BOLETO, 100)).then(adjusted(BOLETO, 100, unclaimed=100))


def test_a_line_that_comes_after_all_was_given_back_is_given_back() -> None:
    short = adjusted(BOLETO, -100, unclaimed=-100)
    back = (STOPPED, void(3000), refund(BOLETO, 3900), voided(3000), refunded(BOLETO, 3900))
    told = reported(*ALL, movement("mv-4", BOLETO, 3900, "refunded"))
    payments(*LEFT, short, *back, told).when(adjust(BOLETO, 100)).then(
        adjusted(BOLETO, 100), surplus(BOLETO, 100), refund(BOLETO, 100, 2)
    )


def test_a_refund_that_was_never_made_is_made() -> None:
    due = RefundDue(cause_id="ordering:9", value=eur(1500))
    back = RefundBooked(set_off=eur(0), shares=shares({CARD: 1500}))
    done = (*LEFT, due, back, refund(CARD, 1500), refunded(CARD, 1500), reported(*ALL))
    payments(*done).when(adjust(CARD, 0, -1500)).then(
        adjusted(CARD, 0, -1500), surplus(CARD, 1500), refund(CARD, 1500, 2)
    )


def test_what_was_paid_back_beside_the_books_is_missing() -> None:
    told = reported(*ALL, movement("mv-4", VOUCHER, 300, "refunded"))
    out = payments(*LEFT, told).when(adjust(VOUCHER, 0, 300))
    moved = ChargeMoved(parcel=1, amount=eur(300), shares=shares({CARD: 300}))
    asked = CaptureRequested(payment=CARD, parcel=1, amount=eur(300), reference="ch_2", number=2)
    out.then(adjusted(VOUCHER, 0, 300, parcels={1: -300}), moved, asked)


def test_while_an_answer_is_to_come_nothing_is_followed() -> None:
    asked = payments(*PAID, CHARGED, capture(1, 2000), reported(*ALL))
    asked.when(adjust(CARD, 2000)).then_nothing()
    answer = PaymentCaptured(payment=CARD, parcel=1, type="credit_card", amount=eur(2000))
    payments(*PAID, CHARGED, capture(1, 2000), answer, reported(*ALL)).when(
        adjust(CARD, 2000)
    ).then_nothing()
    payments(*ASKED, settled(VOUCHER), reported(*ALL)).when(adjust(BOLETO, 4000)).then_nothing()


def test_where_the_books_or_the_report_have_moved_on_it_was_found_too_early() -> None:
    later = movement("mv-4", BOLETO, 1)
    payments(*LEFT, reported(*without(3), later)).when(adjust(BOLETO, -4000)).then_nothing()


def test_what_can_not_be_followed_is_refused() -> None:
    told = reported(*ALL, movement("mv-4", BOLETO, 9000, "refunded"))
    payments(*LEFT, told).when(adjust(BOLETO, 0, 9000)).then_refused("NothingTaken")
    payments(*LEFT).when(adjust(7, 100)).then_refused("UnknownPayment")
    payments(reported(*ALL)).when(adjust(1, 1000)).then_refused("UnknownPayment")
