"""Parcels leave and arrive one by one, and the news of it may come in any order."""

from domains.ordering.messages import (
    OrderDelivered,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderShipped,
)
from tests.unit.ordering.examples import (
    ARRIVED,
    ARRIVED_LATER,
    PAID,
    PLACED,
    REQUESTED,
    SENT,
    SENT_LATER,
    arrived,
    left,
    ordering,
)

ONE_LEFT = OrderPartlyShipped(parcel=1, dispatched_at=SENT)
BOTH_LEFT = OrderShipped(parcel=2, dispatched_at=SENT_LATER)


def test_the_first_of_two_parcels_ships_a_part_and_the_second_the_rest() -> None:
    ordering(*PAID).when(left(1)).then(ONE_LEFT).when(left(2)).then(BOTH_LEFT)


def test_a_parcel_leaves_once() -> None:
    ordering(*PAID, ONE_LEFT).when(left(1)).then_nothing()
    ordering(*PAID, ONE_LEFT, BOTH_LEFT).when(left(2)).then_nothing()


def test_an_order_is_delivered_when_its_last_parcel_has_arrived() -> None:
    sent = ordering(*PAID, ONE_LEFT, BOTH_LEFT)
    part = sent.when(arrived(1)).then(OrderPartlyDelivered(parcel=1, delivered_at=ARRIVED))
    part.when(arrived(2)).then(OrderDelivered(delivered_at=ARRIVED_LATER))


def test_an_order_is_delivered_at_the_latest_arrival_whichever_is_heard_of_last() -> None:
    sent = ordering(*PAID, ONE_LEFT, BOTH_LEFT)
    sent.when(arrived(2)).when(arrived(1)).then(OrderDelivered(delivered_at=ARRIVED_LATER))


def test_a_parcel_arrives_once() -> None:
    sent = ordering(*PAID, ONE_LEFT, BOTH_LEFT)
    sent.when(arrived(1)).when(arrived(1)).then_nothing()
    sent.when(arrived(1)).when(arrived(2)).when(arrived(2)).then_nothing()


def test_an_arrival_may_be_heard_of_before_the_leaving() -> None:
    early = ordering(*PAID, ONE_LEFT).when(arrived(2))
    early.then(OrderPartlyDelivered(parcel=2, delivered_at=ARRIVED_LATER))
    early.when(left(2)).then(BOTH_LEFT)
    delivered = early.when(arrived(1)).then(OrderDelivered(delivered_at=ARRIVED_LATER))
    delivered.when(left(2)).then_nothing()


def test_a_parcel_that_the_order_does_not_have_changes_nothing() -> None:
    ordering(*PAID).when(left(3)).then_nothing().when(arrived(3)).then_nothing()


def test_nothing_leaves_an_order_that_is_not_paid() -> None:
    ordering(PLACED, REQUESTED).when(left(1)).then_nothing().when(arrived(1)).then_nothing()
