"""Cancelling after confirmation: each parcel is called off, or has left."""

import pytest

from bus.decider import Refused, Unknown
from bus.messages import Command
from bus.testing import NOW
from domains.ordering.messages import (
    CallOffAnswered,
    CancellationRefused,
    CancellationRequested,
    CancelOrder,
    LinesCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderShipped,
)
from tests.unit.ordering.examples import (
    ARRIVED,
    ARRIVED_LATER,
    CUP,
    PAID,
    PLACED,
    POT,
    REQUESTED,
    SENT,
    SENT_LATER,
    TEA,
    arrived,
    called_off,
    cancelled,
    eur,
    had_left,
    left,
    ordering,
)

CANCEL = CancelOrder(id="o-1", reason="too late")
ASKED = CancellationRequested(reason="too late")
ONE_LEFT = OrderPartlyShipped(parcel=1, dispatched_at=SENT)
BOTH_LEFT = OrderShipped(parcel=2, dispatched_at=SENT_LATER)
POT_CANCELLED = LinesCancelled(reason="too late", lines=[POT], value=eur(3500), ordered_at=NOW)
TEA_CANCELLED = LinesCancelled(reason="too late", lines=[TEA, CUP], value=eur(2000), ordered_at=NOW)


def test_an_unknown_order_cannot_be_cancelled() -> None:
    ordering().when(CANCEL).then(Unknown("UnknownOrder"))


def test_a_cancel_after_confirmation_asks_shipping_first() -> None:
    ordering(*PAID).when(CANCEL).then(ASKED).then_duties()


def test_asking_again_while_the_answers_are_awaited_changes_nothing() -> None:
    ordering(*PAID, ASKED).when(CANCEL).then_nothing()


def test_when_every_parcel_is_called_off_the_order_is_cancelled_whole() -> None:
    one = ordering(*PAID, ASKED).when(called_off(1))
    one.then(CallOffAnswered(parcel=1, called_off=True))
    end = one.when(called_off(2)).then(cancelled("customer", "too late", confirmed=True))
    end.when(CANCEL).then_nothing()


def test_when_every_parcel_had_left_the_cancellation_is_refused() -> None:
    sent = ordering(*PAID, ONE_LEFT, ASKED, BOTH_LEFT)
    answered = sent.when(had_left(1)).then(CallOffAnswered(parcel=1, called_off=False))
    answered.when(had_left(2)).then(CancellationRefused(reason="too late"))


def test_one_parcel_left_and_one_did_not() -> None:
    """Cancel against dispatch: what is left of the order has been shipped whole."""
    partly = ordering(*PAID, ASKED).when(left(1)).then(ONE_LEFT)
    end = partly.when(had_left(1)).when(called_off(2))
    end.then(POT_CANCELLED, OrderShipped(parcel=1, dispatched_at=SENT))
    end.when(arrived(1)).then(OrderDelivered(delivered_at=ARRIVED))


def test_the_other_parcel_left_and_its_answer_comes_first() -> None:
    other = OrderPartlyShipped(parcel=2, dispatched_at=SENT_LATER)
    end = ordering(*PAID, other, ASKED).when(called_off(1)).when(had_left(2))
    end.then(TEA_CANCELLED, BOTH_LEFT)


def test_what_is_left_of_the_order_may_have_arrived_already() -> None:
    part = ordering(*PAID, ONE_LEFT).when(arrived(1))
    part.then(OrderPartlyDelivered(parcel=1, delivered_at=ARRIVED))
    end = part.when(CANCEL).when(had_left(1)).when(called_off(2))
    end.then(POT_CANCELLED, OrderDelivered(delivered_at=ARRIVED))


def test_a_parcel_whose_leaving_is_heard_of_late_is_shipped_then() -> None:
    settled = ordering(*PAID, ASKED).when(had_left(1)).when(called_off(2)).then(POT_CANCELLED)
    settled.when(left(1)).then(OrderShipped(parcel=1, dispatched_at=SENT))


def test_both_parcels_leave_while_the_answers_are_awaited() -> None:
    sent = ordering(*PAID, ASKED, ONE_LEFT).when(left(2)).then(BOTH_LEFT)
    refused = sent.when(had_left(1)).when(had_left(2))
    refused.then(CancellationRefused(reason="too late")).when(CANCEL).then_refused("AlreadyShipped")


def test_everything_arrives_while_the_answers_are_awaited() -> None:
    there = ordering(*PAID, ONE_LEFT, ASKED, BOTH_LEFT).when(arrived(1)).when(arrived(2))
    there.then(OrderDelivered(delivered_at=ARRIVED_LATER)).when(left(1)).then_nothing()
    refused = there.when(had_left(1)).when(had_left(2))
    refused.then(CancellationRefused(reason="too late")).when(CANCEL).then(
        Refused("AlreadyDelivered")
    )


def test_a_delivered_order_is_not_shipped_again_while_the_answers_are_awaited() -> None:
    there = ordering(*PAID, ASKED).when(arrived(1)).when(arrived(2))
    there.then(OrderDelivered(delivered_at=ARRIVED_LATER)).when(left(1)).then_nothing()


def test_of_what_is_left_the_parcel_that_left_last_tells_that_the_order_has_shipped() -> None:
    three = OrderConfirmed(customer_id="c-7", parcels=[[TEA], [POT], [CUP]], ordered_at=NOW)
    later, first = left(2), OrderPartlyShipped(parcel=1, dispatched_at=SENT)
    waiting = ordering(PLACED, REQUESTED, three, ASKED).when(later).when(left(1)).then(first)
    end = waiting.when(had_left(1)).when(had_left(2)).when(called_off(3))
    value = eur(1000)
    gone = LinesCancelled(reason="too late", lines=[CUP], value=value, ordered_at=NOW)
    end.then(gone, BOTH_LEFT)


def test_a_parcel_that_was_called_off_neither_leaves_nor_arrives() -> None:
    waiting = ordering(*PAID, ASKED).when(called_off(1))
    waiting.when(left(1)).then_nothing()
    waiting.when(arrived(1)).then_nothing()


def test_a_parcel_that_has_left_is_not_called_off_whatever_the_answer_says() -> None:
    ordering(*PAID, ONE_LEFT, ASKED).when(called_off(1)).then(
        CallOffAnswered(parcel=1, called_off=False)
    )


def test_the_first_answer_for_a_parcel_counts() -> None:
    answered = ordering(*PAID, ASKED).when(called_off(1))
    answered.when(called_off(1)).then_nothing().when(had_left(1)).then_nothing()
    answered = ordering(*PAID, ASKED).when(had_left(1))
    answered.when(had_left(1)).then_nothing().when(called_off(1)).then_nothing()


def test_a_cancel_after_a_refused_one_is_refused_at_once() -> None:
    refused = ordering(*PAID, ASKED).when(had_left(1)).when(had_left(2))
    refused.then(CancellationRefused(reason="too late"))
    refused.when(CANCEL).then(Refused("AlreadyShipped"))


def test_what_was_left_of_a_cancelled_order_cannot_be_cancelled_again() -> None:
    settled = ordering(*PAID, ONE_LEFT, ASKED).when(had_left(1)).when(called_off(2))
    settled.when(CANCEL).then(Refused("AlreadyShipped"))


@pytest.mark.parametrize("stray", [called_off(1), had_left(1)])
def test_an_answer_that_nobody_waits_for_changes_nothing(stray: Command) -> None:
    ordering(*PAID).when(stray).then_nothing()
    ordering(*PAID, ASKED, cancelled("customer", "too late")).when(stray).then_nothing()


def test_an_answer_for_a_parcel_that_the_order_does_not_have_changes_nothing() -> None:
    ordering(*PAID, ASKED).when(called_off(3)).then_nothing()


def test_shipped_and_delivered_orders_cannot_be_cancelled() -> None:
    shipped = ordering(*PAID, ONE_LEFT, BOTH_LEFT)
    shipped.when(CANCEL).then(Refused("AlreadyShipped"))
    delivered = shipped.when(arrived(1)).when(arrived(2))
    delivered.when(CANCEL).then(Refused("AlreadyDelivered"))
