"""What inventory takes and tells: what is on hand, and for whom it is kept."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from bus.contract import Contract
from bus.messages import Command, Event, Id, Quantity, Text

Units = Annotated[int, Meta(ge=0)]
Several = Annotated[int, Meta(ge=1)]
"""Units of a SKU over all lines of an order: more than one line's Quantity may hold."""


class Part(Struct, frozen=True, kw_only=True):
    """Units of one SKU. A list of parts names each SKU once."""

    sku: Id
    quantity: Several


class Shortfall(Struct, frozen=True, kw_only=True):
    sku: Id
    wanted: Several
    available: Units


# Commands that anybody may send. The id is the SKU.


class ReceiveStock(Command, tag="ReceiveStock"):
    quantity: Quantity
    note: Text = ""


class WriteOffStock(Command, tag="WriteOffStock"):
    """Take units off the books that are broken or lost; reserved ones can't be."""

    quantity: Quantity
    reason: Text = ""


# What was before: units that left for an order elsewhere. No SKU's stock counts them.


class RecordPastStock(Command, tag="RecordPastStock"):
    """Remember which units left for an order (the id)."""

    parts: Annotated[list[Part], Meta(min_length=1, max_length=500)]


class PastStockRecorded(Event, tag="PastStockRecorded"):
    parts: list[Part]
    origin: Literal["history"] = "history"


# Commands that only inventory sends to itself. The id is the order's.


class ReserveStock(Command, tag="ReserveStock"):
    """Keep all parts for the order, or none."""

    parts: list[Part]


class ReleaseStock(Command, tag="ReleaseStock"):
    """The order no longer needs these."""

    parts: list[Part]


class ShipStock(Command, tag="ShipStock"):
    """A parcel has left with these."""

    parcel: int
    parts: list[Part]


# Events of a SKU's stock.


class StockReceived(Event, tag="StockReceived"):
    quantity: Quantity
    note: Text


class StockWrittenOff(Event, tag="StockWrittenOff"):
    quantity: Quantity
    reason: Text


class UnitsReserved(Event, tag="UnitsReserved"):
    order_id: Id
    quantity: Several


class UnitsReleased(Event, tag="UnitsReleased"):
    order_id: Id
    quantity: Several


class UnitsShipped(Event, tag="UnitsShipped"):
    order_id: Id
    quantity: Several


# Events of an order's reservation; the id is the order's.


class StockReserved(Event, tag="StockReserved"):
    parts: list[Part]


class ReservationRefused(Event, tag="ReservationRefused"):
    shortfalls: list[Shortfall]


class StockReleased(Event, tag="StockReleased"):
    parts: list[Part]


class StockShipped(Event, tag="StockShipped"):
    parcel: int
    parts: list[Part]


CONTRACT = Contract(
    domain="inventory",
    commands={"stock": (ReceiveStock, WriteOffStock), "reservation": (RecordPastStock,)},
    internal={"reservation": (ReserveStock, ReleaseStock, ShipStock)},
    events={
        "stock": (StockReceived, StockWrittenOff, UnitsReserved, UnitsReleased, UnitsShipped),
        "reservation": (
            StockReserved,
            ReservationRefused,
            StockReleased,
            StockShipped,
            PastStockRecorded,
        ),
    },
)
