"""The customers of the demo."""

from __future__ import annotations

from itertools import islice

from bus.clock import sequential_ids
from domains.ordering.messages import PlaceOrder
from scripts.demo.customers import SHELF, visits


def _some(seed: int, count: int = 400) -> list[PlaceOrder]:
    return [visit.order for visit in islice(visits(seed, sequential_ids()), count)]


def test_the_same_seed_brings_the_same_customers() -> None:
    assert _some(1) == _some(1)
    assert _some(1) != _some(2)


def test_some_are_declined_some_cancel_and_most_do_neither() -> None:
    some = list(islice(visits(1, sequential_ids()), 400))
    declined = [visit for visit in some if visit.order.payments and visit.order.payments[0].token]
    cancelled = [visit for visit in some if visit.cancelled]

    assert 0 < len(declined) < 50
    assert 0 < len(cancelled) < 50


def test_everybody_pays_what_the_shelf_says() -> None:
    for order in _some(1):
        prices = [SHELF[line.sku].price.amount * line.quantity for line in order.lines]
        assert [payment.amount.amount for payment in order.payments or []] == [sum(prices)]
