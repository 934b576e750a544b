"""What inventory does about orders and parcels."""

from datetime import UTC, datetime
from functools import partial

import pytest

from bus.messages import Money
from bus.testing import given
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import Part, ReleaseStock, ReserveStock, ShipStock
from domains.ordering.messages import (
    CancelReason,
    LinesCancelled,
    OrderCancelled,
    OrderLine,
    OrderPlaced,
)
from domains.shipping.messages import ParcelLine, ShipmentDelivered, ShipmentDispatched

inventory = partial(given, DOMAIN)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EUR = Money(100, "EUR")


def line(number: int, sku: str, quantity: int) -> OrderLine:
    return OrderLine(
        line=number, sku=sku, quantity=quantity, price=EUR, freight=EUR, seller_id="shop"
    )


LINES = [line(1, "tea-1", 2), line(2, "pot-1", 1), line(3, "tea-1", 999_999)]
PARTS = [Part(sku="tea-1", quantity=1_000_001), Part(sku="pot-1", quantity=1)]


def test_an_order_has_its_units_reserved_each_sku_once() -> None:
    placed = OrderPlaced(customer_id="c", lines=LINES, payments=[], total=EUR, ordered_at=NOW)

    heard = inventory().when_heard(placed, id="o-1")

    assert heard.commands == (ReserveStock(id="o-1", parts=PARTS),)


@pytest.mark.parametrize("cause", ["customer", "declined", "expired"])
def test_a_cancelled_order_releases_its_units(cause: CancelReason) -> None:
    cancelled = OrderCancelled(
        cause=cause, reason="", lines=LINES, value=EUR, ordered_at=NOW, confirmed=False
    )

    heard = inventory().when_heard(cancelled, id="o-1")

    assert heard.commands == (ReleaseStock(id="o-1", parts=PARTS),)


def test_an_order_that_was_unavailable_has_nothing_to_release() -> None:
    cancelled = OrderCancelled(
        cause="unavailable", reason="", lines=LINES, value=EUR, ordered_at=NOW, confirmed=False
    )

    assert inventory().when_heard(cancelled, id="o-1").commands == ()


def test_cancelled_lines_release_theirs() -> None:
    cancelled = LinesCancelled(reason="", lines=LINES[1:2], value=EUR, ordered_at=NOW)

    heard = inventory().when_heard(cancelled, id="o-1")

    assert heard.commands == (ReleaseStock(id="o-1", parts=PARTS[1:]),)


def test_a_parcel_that_leaves_takes_its_units_along() -> None:
    dispatched = ShipmentDispatched(
        parcel=2,
        seller_id="shop",
        lines=[ParcelLine(line=1, sku="tea-1", quantity=2)],
        value=EUR,
        carrier="",
        dispatched_at=NOW,
    )

    heard = inventory().when_heard(dispatched, id="o-1")

    parts = [Part(sku="tea-1", quantity=2)]
    assert heard.commands == (ShipStock(id="o-1", parcel=2, parts=parts),)


def test_a_delivery_changes_no_stock() -> None:
    delivered = ShipmentDelivered(parcel=1, delivered_at=NOW)

    assert inventory().when_heard(delivered, id="o-1").commands == ()
