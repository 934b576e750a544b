"""What comes back is given back of what parcels took; a capture that fails is claimed elsewhere."""

from domains.payments.messages import (
    CaptureFailed,
    CapturePayments,
    CaptureRequested,
    ChargeMoved,
    ParcelCharged,
    ParcelUnpaid,
    RecordCapture,
    RecordCaptureFailure,
    RefundBooked,
    RefundDue,
    RefundPayments,
)
from tests.unit.payments.examples import (
    BOLETO,
    CARD,
    PAID,
    VOUCHER,
    capture,
    captured,
    eur,
    payments,
    refund,
    shares,
    void,
)

LEFT = CapturePayments(id="o-1", parcel=1, value=eur(3000))
CHARGED = ParcelCharged(parcel=1, value=eur(3000), shares=shares({VOUCHER: 1000, CARD: 2000}))
SENT = (*PAID, CHARGED, capture(1, 2000))
"""A parcel worth 3000 has left; the card has not answered."""
REFUSED = RecordCaptureFailure(id="o-1", payment=CARD, parcel=1, number=1, reason="closed")


def due(amount: int, cause: str = "ordering:9") -> RefundPayments:
    return RefundPayments(id="o-1", value=eur(amount), cause_id=cause)


def was_due(amount: int, cause: str = "ordering:9") -> RefundDue:
    return RefundDue(cause_id=cause, value=eur(amount))


def booked(parts: dict[int, int], set_off: int = 0) -> RefundBooked:
    return RefundBooked(set_off=eur(set_off), shares=shares(parts))


def failed(amount: int, number: int = 1) -> CaptureFailed:
    return CaptureFailed(
        payment=CARD,
        parcel=1,
        number=number,
        type="credit_card",
        amount=eur(amount),
        reason="closed",
    )


def test_what_came_back_is_refunded_of_the_last_payments_first_once() -> None:
    back = payments(*SENT, captured(1, 2000)).when(due(2500))
    back.then(
        was_due(2500), booked({CARD: 2000, VOUCHER: 500}), refund(VOUCHER, 500), refund(CARD, 2000)
    )
    back.when(due(2500)).then_nothing()
    back.when(due(500, "ordering:10")).then(
        was_due(500, "ordering:10"), booked({VOUCHER: 500}), refund(VOUCHER, 500, number=2)
    )


def test_no_more_is_refunded_than_parcels_took() -> None:
    back = payments(*SENT, captured(1, 2000)).when(due(3000))
    back.when(due(1, "ordering:10")).then(was_due(1, "ordering:10"))


def test_a_refund_of_what_is_still_to_be_captured_waits_for_it() -> None:
    waiting = payments(*SENT).when(due(2000))
    waiting.then(was_due(2000), booked({CARD: 2000}))
    waiting.when(RecordCapture(id="o-1", payment=CARD, parcel=1, amount=eur(2000))).then(
        captured(1, 2000), refund(CARD, 2000)
    )


def test_a_refund_of_a_parcel_that_has_not_been_heard_of_waits_for_it() -> None:
    early = payments(*PAID).when(due(3000))
    early.then(was_due(3000)).then_duties()
    early.when(LEFT).then(
        CHARGED, booked({CARD: 2000, VOUCHER: 1000}), refund(VOUCHER, 1000), capture(1, 2000)
    )


def test_nothing_is_due_of_nothing() -> None:
    payments(*SENT).when(due(0)).then_nothing()
    payments().when(due(100)).then_nothing()


def test_what_a_card_does_not_give_is_let_go_and_claimed_elsewhere() -> None:
    elsewhere = payments(*SENT).when(REFUSED)
    elsewhere.then(
        failed(2000),
        ChargeMoved(parcel=1, amount=eur(2000), shares=shares({BOLETO: 2000})),
        void(2000),
    )
    elsewhere.when(REFUSED).then_nothing()
    late = RecordCapture(id="o-1", payment=CARD, parcel=1, amount=eur(2000))
    elsewhere.when(late).then_nothing()


def test_what_nobody_pays_is_owed_and_set_off_against_what_comes_back() -> None:
    whole = ParcelCharged(
        parcel=1, value=eur(10_000), shares=shares({VOUCHER: 1000, CARD: 5000, BOLETO: 4000})
    )
    owed = payments(*PAID, whole, capture(1, 5000)).when(REFUSED)
    owed.then(failed(5000), ParcelUnpaid(parcel=1, amount=eur(5000)), void(5000))
    owed.when(due(2000)).then(was_due(2000), booked({}, set_off=2000)).then_duties()
    owed.when(due(6000)).then(
        was_due(6000), booked({BOLETO: 1000}, set_off=5000), refund(BOLETO, 1000)
    )


def test_a_capture_that_fails_after_the_parcel_came_back_takes_and_gives_nothing() -> None:
    back = payments(*SENT).when(due(2000)).when(REFUSED)
    back.then(
        failed(2000),
        ParcelUnpaid(parcel=1, amount=eur(2000)),
        booked({}, set_off=2000),
        void(2000),
    )


def test_a_failure_that_is_not_awaited_changes_nothing() -> None:
    for history in (PAID, (*SENT, captured(1, 2000))):
        payments(*history).when(REFUSED).then_nothing()
    for number, payment in ((2, CARD), (0, CARD), (1, 9), (1, BOLETO)):
        other = RecordCaptureFailure(
            id="o-1", payment=payment, parcel=1, number=number, reason="closed"
        )
        payments(*SENT).when(other).then_nothing()
    payments().when(REFUSED).then_nothing()


def test_a_card_that_is_claimed_again_is_asked_again_and_may_fail_again() -> None:
    again = CaptureRequested(payment=CARD, parcel=1, amount=eur(500), reference="ch_2", number=2)
    history = (
        *SENT,
        captured(1, 2000),
        ChargeMoved(parcel=1, amount=eur(500), shares=shares({CARD: 500})),
        again,
    )
    second = RecordCaptureFailure(id="o-1", payment=CARD, parcel=1, number=2, reason="closed")
    payments(*history).when(second).then(
        failed(500, number=2),
        ChargeMoved(parcel=1, amount=eur(500), shares=shares({BOLETO: 500})),
        void(500),
    )
