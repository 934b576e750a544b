"""What payments does about orders and parcels."""

from datetime import timedelta

import pytest

from bus.messages import Event
from bus.testing import NOW
from domains.ordering.messages import (
    CancelReason,
    LinesCancelled,
    OrderCancelled,
    OrderConfirmed,
    OrderPayment,
    ParcelLost,
    PaymentRequested,
    ReplacementUnavailable,
    ReturnAccepted,
)
from domains.payments.messages import AdjustPayment, CapturePayments, RefundPayments
from domains.reconciliation.messages import CompensationRequested, CorrectPayment, Subject
from domains.shipping.messages import DeliveryFailed, ShipmentDelivered, ShipmentDispatched
from tests.unit.payments.examples import AMOUNTS, COLLECT, TYPES, eur, free, payments, stop


def test_a_payment_request_has_every_payment_collected() -> None:
    asked = PaymentRequested(
        customer_id="c-7",
        payments=[
            OrderPayment(
                payment=number,
                type=TYPES[number],
                amount=eur(AMOUNTS[number]),
                installments=installments,
                token=token,
            )
            for number, installments, token in [(1, 1, "gift"), (2, 3, "visa"), (3, 1, "")]
        ],
        total=eur(10_000),
        expires_at=NOW + timedelta(days=14),
    )

    assert payments().when_heard(asked, id="o-1").commands == (COLLECT,)


def cancelled(cause: CancelReason) -> OrderCancelled:
    return OrderCancelled(
        cause=cause, reason="", lines=[], value=eur(10_000), ordered_at=NOW, confirmed=False
    )


@pytest.mark.parametrize("cause", ["customer", "declined", "expired"])
def test_a_cancelled_order_gets_everything_back(cause: CancelReason) -> None:
    heard = payments().when_heard(cancelled(cause), id="o-1")

    assert heard.commands == (stop("ordering:1"),)


def test_an_order_that_was_unavailable_was_never_asked_for_money() -> None:
    assert payments().when_heard(cancelled("unavailable"), id="o-1").commands == ()


def test_cancelled_lines_get_their_value_back() -> None:
    lines = LinesCancelled(reason="", lines=[], value=eur(700), ordered_at=NOW)

    assert payments().when_heard(lines, id="o-1").commands == (free(700, "ordering:1"),)


def test_a_parcel_that_leaves_is_captured() -> None:
    left = ShipmentDispatched(
        parcel=2, seller_id="shop", lines=[], value=eur(700), carrier="", dispatched_at=NOW
    )

    heard = payments().when_heard(left, id="o-1")

    assert heard.commands == (CapturePayments(id="o-1", parcel=2, value=eur(700)),)


def test_other_news_moves_no_money() -> None:
    confirmed = OrderConfirmed(customer_id="c-7", parcels=[], ordered_at=NOW)

    assert payments().when_heard(confirmed, id="o-1").commands == ()
    delivered = ShipmentDelivered(parcel=1, delivered_at=NOW)
    assert payments().when_heard(delivered, id="o-1").commands == ()
    failed = DeliveryFailed(parcel=1, lines=[], reason="", failed_at=NOW)
    assert payments().when_heard(failed, id="o-1").commands == ()


def accepted(amount: int, *, exchange: bool = False) -> ReturnAccepted:
    return ReturnAccepted(
        number=1,
        receipt=1,
        lines=[],
        value=eur(amount),
        exchange=exchange,
        complete=True,
        ordered_at=NOW,
    )


@pytest.mark.parametrize(
    "heard",
    [
        accepted(700),
        ParcelLost(parcel=1, came_back=True, lines=[], value=eur(700), ordered_at=NOW),
        ReplacementUnavailable(parcel=3, lines=[], value=eur(700), ordered_at=NOW),
    ],
)
def test_what_came_back_or_never_arrived_is_refunded(heard: Event) -> None:
    commands = payments().when_heard(heard, id="o-1").commands

    assert commands == (RefundPayments(id="o-1", value=eur(700), cause_id="ordering:1"),)


def test_what_the_provider_reports_is_followed() -> None:
    asked = CompensationRequested(
        rule="settlement-differs",
        of=Subject(kind="order", id="o-1"),
        domain="payments",
        number=1,
        remedy=CorrectPayment(payment=2, captured=-300, refunded=40),
        approved=False,
        why="",
    )

    commands = payments().when_heard(asked, id="settlement-differs-o-1-2").commands

    assert commands == (
        AdjustPayment(
            id="o-1",
            payment=2,
            captured=-300,
            refunded=40,
            rule="settlement-differs",
            divergence_id="settlement-differs-o-1-2",
        ),
    )


def test_an_exchange_gives_nothing_back() -> None:
    assert payments().when_heard(accepted(0, exchange=True), id="o-1").commands == ()
