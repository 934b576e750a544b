"""Taking the money for each parcel that leaves."""

from domains.payments.messages import (
    CapturePayments,
    ParcelCharged,
    ParcelUnpaid,
    PaymentsSecured,
    RecordAuthorization,
    RecordCapture,
)
from tests.unit.payments.examples import (
    ASKED,
    AUTHORIZED,
    BOLETO,
    CARD,
    PAID,
    VOUCHER,
    capture,
    captured,
    eur,
    payments,
    settled,
    shares,
)


def left(parcel: int, value: int) -> CapturePayments:
    return CapturePayments(id="o-1", parcel=parcel, value=eur(value))


def charged(parcel: int, value: int, parts: dict[int, int]) -> ParcelCharged:
    return ParcelCharged(parcel=parcel, value=eur(value), shares=shares(parts))


def test_parcels_are_paid_by_the_payments_in_their_order() -> None:
    first = payments(*PAID).when(left(1, 3000))

    first.then(charged(1, 3000, {VOUCHER: 1000, CARD: 2000}), capture(1, 2000))
    second = first.when(left(2, 7000))
    second.then(charged(2, 7000, {CARD: 3000, BOLETO: 4000}), capture(2, 3000))


def test_a_parcel_that_settled_payments_cover_captures_nothing() -> None:
    covered = payments(*PAID).when(left(1, 1000))

    covered.then(charged(1, 1000, {VOUCHER: 1000})).then_duties()
    covered.when(left(2, 500)).then(charged(2, 500, {CARD: 500}), capture(2, 500))


def test_a_parcel_is_charged_once() -> None:
    payments(*PAID).when(left(1, 3000)).when(left(1, 3000)).then_nothing()


def test_a_parcel_worth_nothing_charges_nothing() -> None:
    payments(*PAID).when(left(1, 0)).then_nothing()


def test_no_more_is_taken_than_was_paid_and_the_rest_shows() -> None:
    payments(*PAID).when(left(1, 10_000)).when(left(2, 5)).then(
        charged(2, 5, {}), ParcelUnpaid(parcel=2, amount=eur(5))
    )


def test_a_capture_is_recorded_once() -> None:
    asked = payments(*PAID).when(left(1, 3000))
    recorded = RecordCapture(id="o-1", payment=CARD, parcel=1, amount=eur(2000))

    done = asked.when(recorded)
    done.then(captured(1, 2000))
    done.when(recorded).then_nothing()


def test_a_capture_that_nobody_asked_for_is_not_recorded() -> None:
    history = payments(*PAID)

    history.when(RecordCapture(id="o-1", payment=CARD, parcel=1, amount=eur(2000))).then_nothing()
    history.when(RecordCapture(id="o-1", payment=9, parcel=1, amount=eur(2000))).then_nothing()


def test_a_parcel_of_an_order_that_was_never_paid_is_refused_for_all_to_see() -> None:
    payments().when(left(1, 3000)).then_refused("UnknownPayments")


def test_a_card_that_is_still_being_asked_is_captured_when_it_answers() -> None:
    waiting = payments(ASKED[0], ASKED[1], settled(VOUCHER)).when(left(1, 3000))

    waiting.then(charged(1, 3000, {VOUCHER: 1000, CARD: 2000})).then_duties()
    waiting.when(RecordAuthorization(id="o-1", payment=CARD, reference="ch_2")).then(
        AUTHORIZED, capture(1, 2000), PaymentsSecured(total=eur(6000))
    )
