"""Parcels that were sent elsewhere: remembered, and nothing more is done about them."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from bus.decider import Refused
from bus.remembering import Remembering
from domains.shipping.messages import PastParcel, PastShipmentsRecorded, RecordPastShipments
from domains.shipping.parcels import AHEAD, EARLIEST


def record(command: RecordPastShipments, now: datetime) -> PastShipmentsRecorded:
    parcels = command.parcels
    if len({parcel.parcel for parcel in parcels}) < len(parcels):
        raise Refused("ParcelTwice", "Each parcel of an order has a number of its own.")
    if len({parcel.value.currency for parcel in parcels}) > 1:
        raise Refused("CurrencyMismatch", "The parcels of an order share one currency.")
    return PastShipmentsRecorded(parcels=[_known(parcel, now) for parcel in parcels])


def _known(parcel: PastParcel, now: datetime) -> PastParcel:
    left, arrived = parcel.dispatched_at, parcel.delivered_at
    if (arrived and parcel.state != "delivered") or (left and not has_left(parcel)):
        raise Refused("StateAndTimes", f"Parcel {parcel.parcel} is {parcel.state}, its times not.")
    return replace(
        parcel,
        dispatched_at=left and _past(left, now),
        delivered_at=arrived and _past(arrived, now),
    )


def has_left(parcel: PastParcel) -> bool:
    return parcel.state in ("dispatched", "delivered")


def _past(time: datetime, now: datetime) -> datetime:
    if EARLIEST <= time <= now + AHEAD:
        return time.astimezone(UTC)
    raise Refused("TimeOutOfRange", f"{time.isoformat()} is before 1970 or still to come.")


PAST = Remembering(RecordPastShipments, PastShipmentsRecorded, record, "OrderExists", "PastOrder")
