"""The course of an order: what is sent next, given what has happened."""

from __future__ import annotations

import random

import pytest

from scripts.olist.course import Course, Told
from scripts.olist.files import Files
from scripts.olist.mapping import Journey, journey


def _way(files: Files, id: str) -> Journey:
    (order,) = files.orders(f"order_id = '{id}'")
    return journey(order)


def _after(*told: str) -> Course:
    """`Dispatched 2` is about parcel 2, `Cancelled customer` has a cause."""
    course = Course()
    for text in told:
        type, _, rest = text.partition(" ")
        course.hear(Told(type, "o", int(rest) if rest.isdigit() else 0, rest))
    return course


def _next(course: Course, way: Journey) -> list[str]:
    return [step.name for step in course.next(way)]


PAID = ("OrderPlaced", "PaymentRequested", "OrderConfirmed")
SENT = (*PAID, "ShipmentPlanned 1", "ShipmentDispatched 1")


def test_an_order_that_nothing_is_known_of_is_placed(files: Files) -> None:
    assert _next(Course(), _way(files, "plain")) == ["place"]


def test_a_paid_order_waits_until_its_parcels_are_planned(files: Files) -> None:
    assert _next(_after(*PAID), _way(files, "plain")) == []


def test_each_parcel_is_dispatched_when_planned_and_delivered_when_dispatched(
    files: Files,
) -> None:
    way = _way(files, "plain")
    course = _after(*PAID, "ShipmentPlanned 1", "ShipmentPlanned 2")

    assert _next(course, way) == ["dispatch-1", "dispatch-2"]
    course.hear(Told("ShipmentDispatched", "o", 2))
    assert _next(course, way) == ["dispatch-1", "deliver-2"]


def test_an_order_that_was_only_shipped_is_not_delivered(files: Files) -> None:
    way = _way(files, "two-sellers")
    course = _after(*SENT, "OrderShipped")

    assert _next(course, way) == []
    assert course.ended(way)


def test_what_the_customer_cancelled_is_cancelled_once_it_is_confirmed(files: Files) -> None:
    way = _way(files, "cancelled")

    assert _next(_after("OrderPlaced", "PaymentRequested"), way) == []
    assert _next(_after(*PAID, "ShipmentPlanned 1"), way) == ["cancel"]
    assert _after(*PAID, "OrderCancelled customer").ended(way)


def test_a_cancellation_that_came_too_late_is_sent_at_the_end_and_refused(files: Files) -> None:
    way = _way(files, "cancelled-later")
    there = (*SENT, "OrderShipped", "ShipmentDelivered 1", "OrderDelivered")

    assert _next(_after(*SENT, "OrderShipped"), way) == ["deliver-1"]
    assert _next(_after(*there), way) == ["cancel"]
    assert not _after(*there).ended(way)
    assert _after(*there, "CancellationRefused").ended(way)


@pytest.mark.parametrize(
    ("id", "told"),
    [
        ("plain", ("OrderPlaced", "OrderCancelled unavailable")),
        ("plain", ("OrderPlaced", "PaymentRequested", "OrderCancelled declined")),
        ("unavailable", ("OrderPlaced", "PaymentRequested")),
        ("empty", ("OrderPlaced",)),
        ("created", PAID),
        ("invoiced", (*SENT, "OrderShipped")),
    ],
)
def test_an_order_that_went_elsewhere_is_not_waited_for(
    files: Files, id: str, told: tuple[str, ...]
) -> None:
    way = _way(files, id)
    course = _after(*told)

    assert course.ended(way)
    assert course.state != way.end


def test_it_does_not_matter_how_the_streams_interleave_or_repeat(files: Files) -> None:
    ordering = [*PAID, "OrderPartlyShipped 1", "OrderShipped 2", "OrderDelivered"]
    shipping = [f"Shipment{what} {n}" for n in (1, 2) for what in ("Planned", "Dispatched")]
    way = _way(files, "plain")
    for seed in range(20):
        order = random.Random(seed)
        left, right, told = list(ordering), [*shipping, *shipping], list[str]()
        while left or right:
            told.append((left if left and (not right or order.random() < 0.5) else right).pop(0))
        assert _after(*told) == _after(*ordering, *shipping)
        assert _after(*told).ended(way)
