"""What two orders did to a SKU's stock."""

from domains.inventory.messages import (
    CONTRACT,
    ExpectedLine,
    ParcelTakenBack,
    Part,
    ReceivedPart,
    ReplacementRefused,
    ReplacementReserved,
    ReservationAdjusted,
    ReservationRefused,
    ReturnExpected,
    ReturnForgotten,
    ReturnReceived,
    Shortfall,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
    StockWrittenOff,
    UnitsReleased,
    UnitsReserved,
    UnitsReturned,
    UnitsShipped,
)

TWO_TEAS = [Part(sku="tea-1", quantity=2)]

EVENTS = [
    ("tea-1", StockReceived(quantity=100, note="delivery 17")),
    ("tea-1", StockWrittenOff(quantity=1, reason="wet")),
    ("tea-1", UnitsReserved(order_id="o-1001", quantity=2)),
    ("o-1001", StockReserved(parts=TWO_TEAS)),
    (
        "o-1002",
        ReservationRefused(shortfalls=[Shortfall(sku="tea-1", wanted=200, available=97)]),
    ),
    ("tea-1", UnitsReleased(order_id="o-1001", quantity=2)),
    ("o-1001", StockReleased(parts=TWO_TEAS)),
    ("tea-1", UnitsShipped(order_id="o-1001", quantity=2)),
    ("o-1001", StockShipped(parcel=1, parts=TWO_TEAS)),
    (
        "o-1001",
        ReturnExpected(number=1, lines=[ExpectedLine(line=1, sku="tea-1", quantity=2)]),
    ),
    ("tea-1", UnitsReturned(order_id="o-1001", quantity=2)),
    (
        "o-1001",
        ReturnReceived(
            number=1,
            receipt=1,
            reference="ramp 4",
            parts=[ReceivedPart(line=1, sku="tea-1", sellable=1, scrapped=1)],
            complete=True,
        ),
    ),
    ("o-1001", ReturnForgotten(number=2)),
    ("o-1001", ParcelTakenBack(parcel=2, parts=TWO_TEAS)),
    ("o-1001", ReplacementReserved(parcel=3, parts=TWO_TEAS)),
    (
        "o-1001",
        ReplacementRefused(parcel=4, shortfalls=[Shortfall(sku="tea-1", wanted=200, available=97)]),
    ),
    (
        "o-1001",
        ReservationAdjusted(
            kept={"tea-1": -1}, rule="reserved-too-much", divergence_id="reserved-too-much-o-1001"
        ),
    ),
    ("tea-1", StockCounted(counted=97, on_hand=98, reference="2026-01 hall 2")),
    (
        "tea-1",
        StockAdjusted(
            on_hand=0,
            reserved=-1,
            rule="reserved-too-much",
            divergence_id="reserved-too-much-o-1001",
            order_id="o-1001",
        ),
    ),
]
__all__ = ["CONTRACT", "EVENTS"]
