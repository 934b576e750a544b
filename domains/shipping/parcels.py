"""What shipping knows of an order's parcels, and when something can have happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from bus.decider import Refused
from domains.shipping.messages import ShipmentPlanned

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
"""How far a sender's clock may be ahead of ours."""


class Parcel(Struct, frozen=True):
    """`refused`: a cancellation has been told that the parcel had left."""

    plan: ShipmentPlanned
    stage: Literal["planned", "dispatched", "delivered", "failed", "lost", "called off"] = "planned"
    refused: bool = False


Shipment = Mapping[int, Parcel]
"""An order's parcels by number; empty before they are planned."""


def business_time(told: datetime | None, now: datetime) -> datetime:
    if told is None:
        return now
    if not EARLIEST <= told <= now + AHEAD:
        raise Refused("TimeOutOfRange", f"{told.isoformat()} is before 1970 or still to come.")
    return told.astimezone(UTC)
