"""A SKU's stock: what comes in, what is written off."""

from functools import partial

import pytest

from bus.decider import Refused
from bus.testing import NOW, given
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import (
    ReceiveStock,
    StockReceived,
    StockWrittenOff,
    UnitsReleased,
    UnitsReserved,
    UnitsShipped,
    WriteOffStock,
)
from domains.inventory.stock import MAX_ON_HAND, STOCK, Stock

inventory = partial(given, DOMAIN)

TEN = StockReceived(quantity=10, note="")
SEVEN_KEPT = UnitsReserved(order_id="o-1", quantity=7)


def test_stock_is_received() -> None:
    inventory().when(ReceiveStock(id="tea-1", quantity=10, note="spring")).then(
        StockReceived(quantity=10, note="spring")
    )


def test_the_same_delivery_may_come_again() -> None:
    inventory(TEN).when(ReceiveStock(id="tea-1", quantity=10)).then(TEN)


def test_what_is_available_can_be_written_off() -> None:
    inventory(TEN).when(WriteOffStock(id="tea-1", quantity=10, reason="mice")).then(
        StockWrittenOff(quantity=10, reason="mice")
    )


def test_what_is_not_there_cannot_be_written_off() -> None:
    inventory().when(WriteOffStock(id="tea-1", quantity=1)).then_refused(
        "OutOfStock", sku="tea-1", wanted=1, available=0
    )


@pytest.mark.parametrize(
    ("since", "available"),
    [
        ((), 3),
        ((UnitsReleased(order_id="o-1", quantity=2),), 5),
        ((UnitsShipped(order_id="o-1", quantity=7),), 3),
    ],
    ids=["kept", "partly released", "shipped"],
)
def test_what_is_kept_for_an_order_cannot_be_written_off(
    since: tuple[UnitsReleased | UnitsShipped, ...], available: int
) -> None:
    history = inventory(TEN, SEVEN_KEPT, *since)

    history.when(WriteOffStock(id="tea-1", quantity=available + 1)).then_refused(
        "OutOfStock", sku="tea-1", wanted=available + 1, available=available
    )
    history.when(WriteOffStock(id="tea-1", quantity=available)).then(
        StockWrittenOff(quantity=available, reason="")
    )


def test_no_more_is_received_than_can_be_counted() -> None:
    with pytest.raises(Refused, match="TooMuchStock"):
        STOCK.decide(ReceiveStock(id="tea-1", quantity=2), Stock(on_hand=MAX_ON_HAND - 1), NOW)
