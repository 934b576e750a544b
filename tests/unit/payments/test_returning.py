"""Giving money back, whichever comes first: the cancellation, the parcel, or the answer."""

import pytest

from bus.messages import Command
from domains.payments.messages import (
    CapturePayments,
    ParcelCharged,
    RecordAuthorization,
    RecordDecline,
    RecordRefund,
    RecordSettlement,
    RecordVoid,
    ReturnBooked,
)
from tests.unit.payments.examples import (
    ASKED,
    AUTHORIZED,
    BOLETO,
    CARD,
    PAID,
    VOUCHER,
    booked,
    capture,
    declined,
    eur,
    free,
    payments,
    refund,
    refunded,
    settled,
    shares,
    stop,
    void,
    voided,
)

EVERYTHING = booked("ordering:9", {BOLETO: 4000, CARD: 5000, VOUCHER: 1000})


def test_a_cancelled_order_gets_all_of_it_back() -> None:
    payments(*PAID).when(stop()).then(
        EVERYTHING, refund(VOUCHER, 1000), void(5000), refund(BOLETO, 4000)
    )


def test_an_order_whose_money_was_never_asked_for_gets_nothing_back() -> None:
    payments().when(stop()).then_nothing()


def test_one_cancellation_gives_back_once() -> None:
    payments(*PAID).when(stop()).when(stop()).then_nothing()
    payments(*PAID).when(free(500)).when(free(500)).then_nothing()


def test_each_cancellation_gives_back_its_own() -> None:
    first = payments(*PAID).when(free(4500, "ordering:9"))

    first.then(
        booked("ordering:9", {BOLETO: 4000, CARD: 500}, all_of_it=False),
        void(500),
        refund(BOLETO, 4000),
    )
    second = first.when(free(100, "ordering:12"))
    second.then(booked("ordering:12", {CARD: 100}, all_of_it=False), void(100, number=2))
    second.when(free(30, "ordering:15")).then(
        booked("ordering:15", {CARD: 30}, all_of_it=False), void(30, number=3)
    )


def test_voids_and_refunds_are_recorded_once_each() -> None:
    history = payments(*PAID).when(stop())
    let_go = RecordVoid(id="o-1", payment=CARD, amount=eur(5000))
    paid_back = RecordRefund(id="o-1", payment=BOLETO, amount=eur(4000))

    history.when(let_go).then(voided(5000)).when(let_go).then_nothing()
    history.when(paid_back).then(refunded(BOLETO, 4000)).when(paid_back).then_nothing()


@pytest.mark.parametrize(
    "answer",
    [
        RecordVoid(id="o-1", payment=CARD, amount=eur(5000)),
        RecordVoid(id="o-1", payment=VOUCHER, amount=eur(1000)),
        RecordRefund(id="o-1", payment=BOLETO, number=2, amount=eur(4000)),
        RecordRefund(id="o-1", payment=9, amount=eur(4000)),
    ],
)
def test_a_return_that_nobody_asked_for_is_not_recorded(answer: Command) -> None:
    payments(*PAID).when(answer).then_nothing()


def test_a_cancel_while_the_provider_is_being_asked_waits_for_its_answer() -> None:
    stopped = payments(*ASKED).when(stop())

    stopped.then(EVERYTHING).then_duties()
    held = stopped.when(RecordAuthorization(id="o-1", payment=CARD, reference="ch_2"))
    held.then(AUTHORIZED, void(5000))
    taken = held.when(RecordSettlement(id="o-1", payment=BOLETO, reference="ch_3"))
    taken.then(settled(BOLETO), refund(BOLETO, 4000))


def test_a_decline_after_a_cancel_has_nothing_to_give_back() -> None:
    payments(*ASKED).when(stop()).when(
        RecordDecline(id="o-1", payment=CARD, reason="no funds")
    ).then(declined(CARD))


def test_a_cancel_after_a_decline_gives_nothing_back_twice() -> None:
    payments(*ASKED, AUTHORIZED).when(
        RecordDecline(id="o-1", payment=BOLETO, reason="no funds")
    ).when(stop()).then_nothing()


def test_an_answer_that_comes_twice_after_a_cancel_counts_once() -> None:
    authorized = RecordAuthorization(id="o-1", payment=CARD, reference="ch_2")

    payments(*ASKED).when(stop()).when(authorized).when(authorized).then_nothing()


def test_a_cancel_and_the_last_answer_never_secure_the_order() -> None:
    payments(*ASKED[:2], settled(VOUCHER)).when(stop()).when(
        RecordAuthorization(id="o-1", payment=CARD, reference="ch_2")
    ).then(AUTHORIZED, void(5000))


CHARGED = ParcelCharged(parcel=1, value=eur(3000), shares=shares({VOUCHER: 1000, CARD: 2000}))
FREED = ReturnBooked(
    cause_id="ordering:9", all_of_it=False, shares=shares({BOLETO: 4000, CARD: 3000})
)
LEFT = CapturePayments(id="o-1", parcel=1, value=eur(3000))


def test_a_parcel_leaves_before_the_others_lines_are_cancelled() -> None:
    left = payments(*PAID).when(LEFT)

    left.then(CHARGED, capture(1, 2000))
    left.when(free(7000)).then(FREED, void(3000), refund(BOLETO, 4000))


def test_lines_are_cancelled_before_the_other_parcel_is_heard_of() -> None:
    freed = payments(*PAID).when(free(7000))

    freed.then(FREED, void(3000), refund(BOLETO, 4000))
    freed.when(LEFT).then(CHARGED, capture(1, 2000))


def test_what_a_parcel_took_of_a_settled_payment_is_not_given_back() -> None:
    payments(*PAID).when(CapturePayments(id="o-1", parcel=1, value=eur(9000))).when(stop()).then(
        booked("ordering:9", {BOLETO: 1000}), refund(BOLETO, 1000)
    )
