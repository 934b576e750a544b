"""What inventory does about orders and parcels."""

from datetime import UTC, datetime
from functools import partial

import pytest

from bus.messages import Money
from bus.testing import given
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import (
    ExpectedLine,
    ExpectReturn,
    ForgetReturn,
    Part,
    ReleaseStock,
    ReserveReplacement,
    ReserveStock,
    ShipStock,
    TakeBack,
)
from domains.ordering.messages import (
    CancelReason,
    LinesCancelled,
    OrderCancelled,
    OrderLine,
    OrderPlaced,
    ReplacementRequested,
    ReturnedLine,
    ReturnExpired,
    ReturnRequested,
)
from domains.shipping.messages import (
    DeliveryFailed,
    ParcelLine,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
)

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


def test_a_return_is_expected_line_by_line_until_it_expires() -> None:
    asked = ReturnRequested(
        number=2,
        lines=[
            ReturnedLine(line=1, sku="tea-1", quantity=2),
            ReturnedLine(line=3, sku="tea-1", quantity=1),
        ],
        reason="",
        exchange=True,
        expires_at=NOW,
    )

    heard = inventory().when_heard(asked, id="o-1")

    lines = [
        ExpectedLine(line=1, sku="tea-1", quantity=2),
        ExpectedLine(line=3, sku="tea-1", quantity=1),
    ]
    assert heard.commands == (ExpectReturn(id="o-1", number=2, lines=lines),)
    expired = inventory().when_heard(ReturnExpired(number=2), id="o-1")
    assert expired.commands == (ForgetReturn(id="o-1", number=2),)


def test_a_replacement_has_its_units_reserved_each_sku_once() -> None:
    asked = ReplacementRequested(number=1, parcel=3, lines=LINES)

    heard = inventory().when_heard(asked, id="o-1")

    assert heard.commands == (ReserveReplacement(id="o-1", parcel=3, parts=PARTS),)


def test_a_parcel_that_comes_back_brings_its_units_and_a_lost_one_does_not() -> None:
    lines = [ParcelLine(line=n, sku="tea-1", quantity=n) for n in (1, 3)]
    failed = DeliveryFailed(parcel=2, lines=lines, reason="", failed_at=NOW)
    lost = ShipmentLost(parcel=2, lines=lines, reason="", lost_at=NOW)

    heard = inventory().when_heard(failed, id="o-1")

    parts = [Part(sku="tea-1", quantity=4)]
    assert heard.commands == (TakeBack(id="o-1", parcel=2, parts=parts),)
    assert inventory().when_heard(lost, id="o-1").commands == ()
