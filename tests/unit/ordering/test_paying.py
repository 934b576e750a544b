"""From the reserved stock to the confirmed order; and every race on that way."""

from datetime import timedelta

import pytest

from bus.duties import Deadline, Settled
from bus.messages import Command, Event
from bus.testing import NOW
from domains.ordering.messages import (
    CancelOrder,
    ConfirmOrder,
    ExpireOrder,
    FailPayment,
    OrderDelivered,
    RejectOrder,
    RequestPayment,
)
from domains.ordering.paying import TIME_TO_PAY
from tests.unit.ordering.examples import (
    CONFIRMED,
    PAID,
    PLACED,
    REQUESTED,
    cancelled,
    ordering,
)

REQUEST, REJECT = RequestPayment(id="o-1"), RejectOrder(id="o-1")
CONFIRM, EXPIRE = ConfirmOrder(id="o-1"), ExpireOrder(id="o-1")
FAIL = FailPayment(id="o-1", reason="card declined")
CANCEL = CancelOrder(id="o-1", reason="changed my mind")


def test_the_money_is_asked_for_when_the_stock_is_there() -> None:
    ordering(PLACED).when(REQUEST).then(REQUESTED)


def test_whoever_is_asked_for_money_has_ten_days() -> None:
    assert timedelta(days=10) == TIME_TO_PAY
    deadline = Deadline(name="expire:o-1", at=NOW + TIME_TO_PAY, command=EXPIRE)
    ordering(PLACED).when(REQUEST).then_duties(deadline)


def test_the_money_is_asked_for_once() -> None:
    ordering(PLACED).when(REQUEST).when(REQUEST).then_nothing()


def test_an_order_whose_stock_is_not_there_is_cancelled() -> None:
    end = cancelled("unavailable", "not all of it is in stock")
    ordering(PLACED).when(REJECT).then(end).when(REJECT).then_nothing()


def test_a_paid_order_is_confirmed_with_a_parcel_for_each_seller() -> None:
    ordering(PLACED, REQUESTED).when(CONFIRM).then(CONFIRMED)


def test_a_confirmed_order_no_longer_expires() -> None:
    confirmed = ordering(PLACED, REQUESTED).when(CONFIRM)
    confirmed.then_duties(Settled(name="expire:o-1"))
    confirmed.when(EXPIRE, now=NOW + TIME_TO_PAY).then_nothing()


def test_an_order_is_confirmed_once() -> None:
    ordering(*PAID).when(CONFIRM).then_nothing()


def test_a_declined_payment_ends_the_order() -> None:
    ordering(PLACED, REQUESTED).when(FAIL).then(cancelled("declined", "card declined"))


@pytest.mark.parametrize("history", [(PLACED,), (PLACED, REQUESTED)])
def test_an_order_that_is_not_paid_in_time_expires(history: tuple[Event, ...]) -> None:
    expired = ordering(*history).when(EXPIRE)
    expired.then(cancelled("expired", "not paid in time"))
    expired.then_duties(Settled(name="expire:o-1"))


@pytest.mark.parametrize("history", [(PLACED,), (PLACED, REQUESTED)])
def test_a_cancel_before_confirmation_is_done_at_once(history: tuple[Event, ...]) -> None:
    ended = ordering(*history).when(CANCEL)
    ended.then(cancelled("customer", "changed my mind"))
    ended.then_duties(Settled(name="expire:o-1"))


@pytest.mark.parametrize("late", [REQUEST, REJECT, CONFIRM, FAIL, EXPIRE, CANCEL])
@pytest.mark.parametrize("end", [CANCEL, EXPIRE, FAIL])
def test_an_order_ends_once_whatever_comes_late(end: Command, late: Command) -> None:
    ordering(PLACED, REQUESTED).when(end).when(late).then_nothing()


def test_a_customer_who_cancelled_before_the_stock_was_there_is_not_asked_for_money() -> None:
    ordering(PLACED).when(CANCEL).when(REQUEST).then_nothing()


@pytest.mark.parametrize("late", [REQUEST, REJECT, FAIL, EXPIRE])
def test_a_confirmed_order_goes_on_whatever_comes_late(late: Command) -> None:
    ordering(*PAID).when(late).then_nothing()


@pytest.mark.parametrize("stray", [REQUEST, REJECT, CONFIRM, FAIL, EXPIRE])
def test_an_order_that_nobody_placed_is_not_made_up(stray: Command) -> None:
    ordering().when(stray).then_nothing()


def test_a_delivered_order_is_left_alone() -> None:
    done = ordering(*PAID, OrderDelivered(delivered_at=NOW))
    done.when(CONFIRM).then_nothing().when(EXPIRE).then_nothing()
