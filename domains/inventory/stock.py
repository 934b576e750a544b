"""A SKU's stock: how many units are on hand, and how many of them are kept for orders.

Which orders they are kept for is each reservation's own business, so that the stock of a
SKU that everybody buys stays two numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bus.decider import Decider, Refused
from bus.messages import Event
from domains.inventory.messages import (
    CountStock,
    ReceiveStock,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockWrittenOff,
    UnitsReleased,
    UnitsReserved,
    UnitsReturned,
    UnitsShipped,
    WriteOffStock,
)

MAX_ON_HAND = 2**53 - 1
"""The largest number of units that every JSON reader keeps exactly."""


class Stock(Struct, frozen=True):
    on_hand: int = 0
    reserved: int = 0
    counted: str = ""
    """The last count's reference."""

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


def decide(command: object, stock: Stock, now: datetime) -> Sequence[Event]:
    match command:
        case ReceiveStock():
            return _receive(command, stock)
        case WriteOffStock():
            return _write_off(command, stock)
        case CountStock():
            return _count(command, stock)
        case _:
            return ()


def _receive(command: ReceiveStock, stock: Stock) -> Sequence[Event]:
    if stock.on_hand + command.quantity > MAX_ON_HAND:
        raise Refused(
            "TooMuchStock",
            f"No SKU can have more than {MAX_ON_HAND} units on hand.",
            on_hand=stock.on_hand,
        )
    return [StockReceived(quantity=command.quantity, note=command.note)]


def _write_off(command: WriteOffStock, stock: Stock) -> Sequence[Event]:
    if command.quantity > stock.available:
        raise Refused(
            "OutOfStock",
            f"Only {stock.available} of {command.id} can be written off: "
            f"{stock.on_hand} on hand, {stock.reserved} reserved for orders.",
            sku=command.id,
            wanted=command.quantity,
            available=stock.available,
        )
    return [StockWrittenOff(quantity=command.quantity, reason=command.reason)]


def _count(command: CountStock, stock: Stock) -> Sequence[Event]:
    if command.reference == stock.counted:
        return ()
    return [
        StockCounted(counted=command.counted, on_hand=stock.on_hand, reference=command.reference)
    ]


def evolve(stock: Stock, event: object) -> Stock:
    if isinstance(event, StockCounted):
        return replace(stock, counted=event.reference)
    on_hand, reserved = _moved(event)
    return replace(stock, on_hand=stock.on_hand + on_hand, reserved=stock.reserved + reserved)


def _moved(event: object) -> tuple[int, int]:  # noqa: PLR0911
    """What it changes: units on hand, and reserved of these."""
    match event:
        case StockReceived() | UnitsReturned():
            return event.quantity, 0
        case StockWrittenOff():
            return -event.quantity, 0
        case UnitsReserved():
            return 0, event.quantity
        case UnitsReleased():
            return 0, -event.quantity
        case UnitsShipped():
            return -event.quantity, -event.quantity
        case StockAdjusted():
            return event.on_hand, event.reserved
        case _:
            return 0, 0


STOCK = Decider(Stock(), decide, evolve, state=Stock)
