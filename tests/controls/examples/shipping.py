"""What became of an order's parcel."""

from datetime import UTC, datetime

from bus.messages import Money
from domains.shipping.messages import (
    CONTRACT,
    CallOffRefused,
    DeliveryFailed,
    ParcelCorrected,
    ParcelLine,
    ParcelWithdrawn,
    ShipmentCalledOff,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
    ShipmentPlanned,
)

LINES = [ParcelLine(line=1, sku="tea-1", quantity=2)]
ENDED = datetime(2017, 10, 11, 8, 0, tzinfo=UTC)
VALUE = Money(1000, "BRL")

_EVENTS = [
    ShipmentPlanned(parcel=1, seller_id="shop", lines=LINES, value=VALUE),
    ShipmentDispatched(
        parcel=1,
        seller_id="shop",
        lines=LINES,
        value=VALUE,
        carrier="post",
        dispatched_at=datetime(2017, 10, 4, 19, 55, tzinfo=UTC),
    ),
    ShipmentDelivered(parcel=1, delivered_at=datetime(2017, 10, 10, 21, 25, 13, tzinfo=UTC)),
    ShipmentCalledOff(parcel=1, lines=LINES),
    CallOffRefused(parcel=1),
    DeliveryFailed(parcel=1, lines=LINES, reason="nobody there", failed_at=ENDED),
    ShipmentLost(parcel=1, lines=LINES, reason="", lost_at=ENDED),
    ParcelCorrected(
        parcel=1,
        surplus=1,
        lines=LINES,
        value=VALUE,
        rule="shipment-doubled",
        divergence_id="shipment-doubled-o-1001-1",
    ),
    ParcelWithdrawn(
        parcel=2, rule="line-planned-twice", divergence_id="line-planned-twice-o-1001-2"
    ),
]
EVENTS = [("o-1001", event) for event in _EVENTS]
__all__ = ["CONTRACT", "EVENTS"]
