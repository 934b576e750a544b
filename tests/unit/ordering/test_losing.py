"""A parcel that left and will not arrive: its value is given back, and the order may end by it."""

import pytest

from bus.messages import Command
from bus.testing import NOW
from domains.ordering.messages import (
    CancellationRefused,
    CancellationRequested,
    CancelOrder,
    LinesCancelled,
    OrderDelivered,
    OrderLine,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderShipped,
    OrderUndelivered,
    ParcelLost,
    RecordLoss,
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
    eur,
    had_left,
    left,
    ordering,
)

ONE_LEFT = (*PAID, OrderPartlyShipped(parcel=1, dispatched_at=SENT))
LEFT = (*ONE_LEFT, OrderShipped(parcel=2, dispatched_at=SENT_LATER))


def lose(parcel: int, *, came_back: bool = False) -> RecordLoss:
    return RecordLoss(id="o-1", parcel=parcel, came_back=came_back)


def lost(parcel: int, *lines: OrderLine, came_back: bool = False) -> ParcelLost:
    value = eur(sum(line.value.amount for line in lines))
    return ParcelLost(
        parcel=parcel, came_back=came_back, lines=list(lines), value=value, ordered_at=NOW
    )


TEAS_LOST, POT_LOST = lost(1, TEA, CUP), lost(2, POT)


@pytest.mark.parametrize("came_back", [True, False])
def test_a_lost_parcel_has_all_its_value_given_back_once(came_back: bool) -> None:
    gone = ordering(*LEFT).when(lose(1, came_back=came_back))
    gone.then(lost(1, TEA, CUP, came_back=came_back))
    gone.when(lose(1)).then_nothing()
    gone.when(arrived(1)).then_nothing()


def test_an_order_is_delivered_once_the_rest_has_arrived_whichever_is_first() -> None:
    delivered = OrderDelivered(delivered_at=ARRIVED_LATER)
    ordering(*LEFT).when(lose(1)).when(arrived(2)).then(delivered)
    ordering(*LEFT).when(arrived(2)).when(lose(1)).then(TEAS_LOST, delivered)


def test_an_order_of_which_nothing_arrives_is_undelivered() -> None:
    ended = ordering(*LEFT).when(lose(1)).when(lose(2, came_back=True))
    ended.then(lost(2, POT, came_back=True), OrderUndelivered())
    for late in (lose(1), lose(2), arrived(1), left(2), had_left(1)):
        ended.when(late).then_nothing()
    ended.when(CancelOrder(id="o-1")).then_refused("AlreadyShipped")


def test_a_parcel_that_arrived_is_not_lost_and_one_that_was_lost_does_not_arrive() -> None:
    ordering(*LEFT).when(arrived(1)).when(lose(1)).then_nothing()
    ordering(*LEFT, OrderDelivered(delivered_at=ARRIVED)).when(lose(1)).then_nothing()


def test_the_other_parcel_can_still_be_called_off() -> None:
    asked = ordering(*ONE_LEFT).when(lose(1)).when(CancelOrder(id="o-1"))
    settled = asked.when(had_left(1)).when(called_off(2))
    settled.then(
        LinesCancelled(reason="", lines=[POT], value=POT.value, ordered_at=NOW),
        OrderUndelivered(),
    )


def test_a_loss_during_a_cancellation_waits_for_the_answers() -> None:
    asked = ordering(*ONE_LEFT).when(CancelOrder(id="o-1")).then(CancellationRequested(reason=""))
    gone = asked.when(left(2)).when(lose(1)).then(TEAS_LOST)
    answered = gone.when(had_left(1)).when(had_left(2))
    answered.then(CancellationRefused(reason=""))
    answered.when(arrived(2)).then(OrderDelivered(delivered_at=ARRIVED_LATER))


def test_an_order_that_ended_by_losses_has_its_cancellation_refused() -> None:
    asked = ordering(*ONE_LEFT).when(CancelOrder(id="o-1")).when(left(2))
    gone = asked.when(lose(1)).when(lose(2)).then(POT_LOST, OrderUndelivered())
    answered = gone.when(had_left(1)).when(had_left(2))
    answered.then(CancellationRefused(reason=""))
    for late in (lose(1), had_left(1)):
        answered.when(late).then_nothing()


def test_what_was_called_off_is_not_lost() -> None:
    asked = ordering(*ONE_LEFT).when(CancelOrder(id="o-1")).when(called_off(2))
    asked.when(lose(2)).then_nothing()


@pytest.mark.parametrize("command", [lose(3), lose(9, came_back=True)])
def test_a_parcel_that_the_order_does_not_have_is_not_lost(command: Command) -> None:
    for history in (LEFT, PAID, (PLACED, REQUESTED), ()):
        ordering(*history).when(command).then_nothing()


def test_an_order_of_which_one_parcel_arrived_before_is_delivered_by_the_loss_of_the_other() -> (
    None
):
    there = OrderPartlyDelivered(parcel=1, delivered_at=ARRIVED)
    ordering(*LEFT, there).when(lose(2)).then(POT_LOST, OrderDelivered(delivered_at=ARRIVED))
