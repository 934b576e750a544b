"""Units that left elsewhere are recorded by their order, and move no stock."""

from __future__ import annotations

import pytest

from bus.messages import Command
from bus.testing import at, given
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import (
    Part,
    PastStockRecorded,
    RecordPastStock,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    StockReceived,
    StockReserved,
    StockWrittenOff,
    WriteOffStock,
)
from tests.controls.examples.past import ORDER, SHIPMENTS

PARTS = [Part(sku="tea-1", quantity=2), Part(sku="cup-1", quantity=1)]
RECORD = RecordPastStock(id="o-1", parts=PARTS)
RECORDED = PastStockRecorded(parts=PARTS)
ON_HAND = at("tea-1", StockReceived(quantity=2, note=""))


def test_what_left_is_recorded_and_no_stock_moves() -> None:
    given(DOMAIN, ON_HAND).when(RECORD).then(RECORDED)
    all_of_it = WriteOffStock(id="tea-1", quantity=2)
    written_off = StockWrittenOff(quantity=2, reason="")
    given(DOMAIN, ON_HAND, at("o-1", RECORDED)).when(all_of_it).then(written_off)


def test_the_same_again_changes_nothing_and_anything_else_is_refused() -> None:
    given(DOMAIN, RECORDED).when(RECORD).then_nothing()
    given(DOMAIN, RECORDED).when(RecordPastStock(id="o-1", parts=PARTS[:1])).then_refused(
        "OrderExists"
    )


def test_a_living_reservation_has_no_past() -> None:
    given(DOMAIN, StockReserved(parts=PARTS)).when(RECORD).then_refused("OrderExists")


@pytest.mark.parametrize(
    "command",
    [
        ReserveStock(id="o-1", parts=PARTS),
        ReleaseStock(id="o-1", parts=PARTS),
        ShipStock(id="o-1", parcel=1, parts=PARTS),
    ],
)
def test_nothing_else_is_done_about_it(command: Command) -> None:
    given(DOMAIN, ON_HAND, RECORDED).when(command).then_refused("PastOrder")


def test_what_others_remember_moves_nothing() -> None:
    assert given(DOMAIN, ON_HAND).when_heard(ORDER, id="o-1").commands == ()
    assert given(DOMAIN, ON_HAND).when_heard(SHIPMENTS, id="o-1").commands == ()


def test_a_sku_is_named_once() -> None:
    twice = RecordPastStock(id="o-1", parts=[PARTS[0], PARTS[0]])

    given(DOMAIN).when(twice).then_refused("PartTwice")
