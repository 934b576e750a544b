"""A SKU's stock: how many units are on hand, and how many of them are kept for orders.

Which orders they are kept for is each reservation's own business, so that the stock of a
SKU that everybody buys stays two numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from bus.decider import Decider, Refused
from bus.messages import Event
from domains.inventory.messages import (
    ReceiveStock,
    StockAdjusted,
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

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


def decide(command: object, stock: Stock, now: datetime) -> Sequence[Event]:
    match command:
        case ReceiveStock():
            return _receive(command, stock)
        case WriteOffStock():
            return _write_off(command, stock)
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


def evolve(stock: Stock, event: object) -> Stock:  # noqa: PLR0911
    match event:
        case StockReceived() | UnitsReturned():
            return Stock(stock.on_hand + event.quantity, stock.reserved)
        case StockWrittenOff():
            return Stock(stock.on_hand - event.quantity, stock.reserved)
        case UnitsReserved():
            return Stock(stock.on_hand, stock.reserved + event.quantity)
        case UnitsReleased():
            return Stock(stock.on_hand, stock.reserved - event.quantity)
        case UnitsShipped():
            return Stock(stock.on_hand - event.quantity, stock.reserved - event.quantity)
        case StockAdjusted():
            return Stock(stock.on_hand + event.on_hand, stock.reserved + event.reserved)
        case _:
            return stock


STOCK = Decider(Stock(), decide, evolve, state=Stock)
