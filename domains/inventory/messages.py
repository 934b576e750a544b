"""What inventory takes and tells: what is on hand, and for whom it is kept."""

from datetime import timedelta
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


class ReturnedPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units that came back: `sellable` ones go on the shelf, `scrapped` ones are written off.
    Without a line, the return's lines of that SKU are filled one after the other."""

    sku: Id
    sellable: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    scrapped: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    line: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class ReceiveReturn(Command, tag="ReceiveReturn"):
    """A parcel of return `number` of an order (the id) is here. A return may come in several.
    The same `reference`, the warehouse's own name for the parcel, is received once."""

    number: Annotated[int, Meta(ge=1, le=10_000)] = 1
    parts: Annotated[list[ReturnedPart], Meta(max_length=500)]
    reference: Text = ""


class CountStock(Command, tag="CountStock"):
    """So many units were found on the shelf. `reference` names the count: it is taken once."""

    counted: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    reference: Annotated[Text, Meta(min_length=1)]


# What was before: units that left for an order elsewhere. No SKU's stock counts them.


class RecordPastStock(Command, tag="RecordPastStock"):
    """Remember which units left for an order (the id)."""

    parts: Annotated[list[Part], Meta(min_length=1, max_length=500)]


class PastStockRecorded(Event, tag="PastStockRecorded"):
    parts: list[Part]
    origin: Literal["history"] = "history"


# Commands that only inventory sends to itself. The id is the order's.


class ExpectedLine(Struct, frozen=True, kw_only=True):
    line: int
    sku: Id
    quantity: Several


class ExpectReturn(Command, tag="ExpectReturn"):
    """The customer sends these back."""

    number: int
    lines: list[ExpectedLine]


class ForgetReturn(Command, tag="ForgetReturn"):
    """The time to send it back is over."""

    number: int


class TakeBack(Command, tag="TakeBack"):
    """A parcel could not be delivered and is here again."""

    parcel: int
    parts: list[Part]


class ReserveReplacement(Command, tag="ReserveReplacement"):
    """Keep all parts for a further parcel of the order, or none."""

    parcel: int
    parts: list[Part]


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


class CorrectBooks(Command, tag="CorrectBooks"):
    """Reconciliation has found them wrong by so many units, by SKU: what the order (the id) has
    `kept`, what the SKUs have `on_hand` and `reserved`. Where the id is no order's, `order` is
    False and nothing is kept."""

    order: bool
    kept: dict[Id, int]
    on_hand: dict[Id, int]
    reserved: dict[Id, int]
    rule: Text
    divergence_id: Id


# Events of a SKU's stock.


class StockReceived(Event, tag="StockReceived"):
    quantity: Quantity
    note: Text


class StockWrittenOff(Event, tag="StockWrittenOff"):
    """With an `order_id`, they came back from there and can't be sold."""

    quantity: Quantity
    reason: Text
    order_id: Id | None = None


class StockCounted(Event, tag="StockCounted"):
    """`counted` units were on the shelf where the books said `on_hand`. They are as they were: to
    put them right is a compensation."""

    counted: Units
    on_hand: Units
    reference: Text


class UnitsReserved(Event, tag="UnitsReserved"):
    order_id: Id
    quantity: Several


class UnitsReleased(Event, tag="UnitsReleased"):
    order_id: Id
    quantity: Several


class UnitsShipped(Event, tag="UnitsShipped"):
    order_id: Id
    quantity: Several


class UnitsReturned(Event, tag="UnitsReturned"):
    """Had left for the order and are on hand again; what of them is scrapped is written off."""

    order_id: Id
    quantity: Several


class StockAdjusted(Event, tag="StockAdjusted"):
    """The books were wrong by so many units. `rule` says in what, `divergence_id` who has found it;
    `order_id` is the order that `reserved` was counted for."""

    on_hand: int
    reserved: int
    rule: Text
    divergence_id: Id
    order_id: Id | None = None


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


class ReturnExpected(Event, tag="ReturnExpected"):
    number: int
    lines: list[ExpectedLine]


class ReturnForgotten(Event, tag="ReturnForgotten"):
    """Nothing more of it is taken in."""

    number: int


class ReceivedPart(Struct, frozen=True, kw_only=True):
    line: int
    sku: Id
    sellable: Units
    scrapped: Units


class ReturnReceived(Event, tag="ReturnReceived"):
    """`receipt` counts the return's parcels from 1; `complete`: all that was expected is here."""

    number: int
    receipt: int
    reference: Text
    parts: list[ReceivedPart]
    complete: bool


class ParcelTakenBack(Event, tag="ParcelTakenBack"):
    """An undelivered parcel's units are on the shelf again."""

    parcel: int
    parts: list[Part]


class ReplacementReserved(Event, tag="ReplacementReserved"):
    parcel: int
    parts: list[Part]


class ReplacementRefused(Event, tag="ReplacementRefused"):
    parcel: int
    shortfalls: list[Shortfall]


class ReservationAdjusted(Event, tag="ReservationAdjusted"):
    """The reservation was wrong by so many units, by SKU."""

    kept: dict[Id, int]
    rule: Text
    divergence_id: Id


KEPT_FOR = timedelta(days=30)
"""How long units may wait for an order's next parcel before somebody must look."""

CONTRACT = Contract(
    domain="inventory",
    commands={
        "stock": (ReceiveStock, WriteOffStock, CountStock),
        "reservation": (ReceiveReturn, RecordPastStock),
    },
    internal={
        "reservation": (
            ReserveStock,
            ReleaseStock,
            ShipStock,
            ExpectReturn,
            ForgetReturn,
            TakeBack,
            ReserveReplacement,
            CorrectBooks,
        ),
    },
    events={
        "stock": (
            StockReceived,
            StockWrittenOff,
            UnitsReserved,
            UnitsReleased,
            UnitsShipped,
            UnitsReturned,
            StockAdjusted,
            StockCounted,
        ),
        "reservation": (
            StockReserved,
            ReservationRefused,
            StockReleased,
            StockShipped,
            ReturnExpected,
            ReturnForgotten,
            ReturnReceived,
            ParcelTakenBack,
            ReplacementReserved,
            ReplacementRefused,
            ReservationAdjusted,
            PastStockRecorded,
        ),
    },
)
