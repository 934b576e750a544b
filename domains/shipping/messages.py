"""What shipping takes and tells: an order's parcels.

The aggregate `shipment` is all parcels of one order, numbered from 1, one a seller; the id
is the order's.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bus.contract import Contract
from bus.messages import Command, Event, Id, Money, Quantity, Text

Parcel = Annotated[int, Meta(ge=1, le=10_000, description="the parcel's number in its order")]


class ParcelLine(Struct, frozen=True, kw_only=True):
    line: int
    sku: Id
    quantity: Quantity


class ParcelPlan(Struct, frozen=True, kw_only=True):
    """`value` is what the customer pays for the parcel's lines, freight included."""

    seller_id: Id
    lines: list[ParcelLine]
    value: Money


# What was before: the parcels of an order that was played elsewhere.


class PastParcel(Struct, frozen=True, kw_only=True):
    """What one seller sent, or would have. A time that nobody wrote down is missing, so `state`
    tells how far it came: some arrived of which nobody knows when they left."""

    parcel: Parcel
    seller_id: Id
    lines: list[ParcelLine]
    value: Money
    state: Literal["planned", "dispatched", "delivered", "called_off"]
    dispatched_at: Annotated[datetime, Meta(tz=True)] | None = None
    delivered_at: Annotated[datetime, Meta(tz=True)] | None = None


class RecordPastShipments(Command, tag="RecordPastShipments"):
    """Remember all parcels of an order (the id); none where it had nothing to send."""

    parcels: Annotated[list[PastParcel], Meta(max_length=500)]


class PastShipmentsRecorded(Event, tag="PastShipmentsRecorded"):
    parcels: list[PastParcel]
    origin: Literal["history"] = "history"


# Commands that anybody may send. The id is the order's.


class DispatchShipment(Command, tag="DispatchShipment"):
    """The carrier has taken the parcel. `dispatched_at` is for what happened earlier."""

    parcel: Parcel = 1
    carrier: Text = ""
    dispatched_at: Annotated[datetime, Meta(tz=True)] | None = None


class DeliverShipment(Command, tag="DeliverShipment"):
    parcel: Parcel = 1
    delivered_at: Annotated[datetime, Meta(tz=True)] | None = None


class FailDelivery(Command, tag="FailDelivery"):
    """Nobody took the parcel in: it has come back to the sender."""

    parcel: Parcel = 1
    reason: Text = ""
    failed_at: Annotated[datetime, Meta(tz=True)] | None = None


class LoseShipment(Command, tag="LoseShipment"):
    """The parcel left and is nowhere to be found."""

    parcel: Parcel = 1
    reason: Text = ""
    lost_at: Annotated[datetime, Meta(tz=True)] | None = None


# Commands that only shipping sends to itself.


class PlanShipments(Command, tag="PlanShipments"):
    parcels: list[ParcelPlan]


class PlanReplacement(Command, tag="PlanReplacement"):
    """One more parcel, instead of what the customer has sent back."""

    parcel: Parcel
    plan: ParcelPlan


class CallOffShipments(Command, tag="CallOffShipments"):
    """Stop what has not left; every parcel gets an answer."""


class CorrectShipment(Command, tag="CorrectShipment"):
    """Reconciliation has found that the parcel was told to have left so many times too often."""

    parcel: Parcel
    surplus: int
    rule: Text
    divergence_id: Id


class WithdrawParcel(Command, tag="WithdrawParcel"):
    """Reconciliation has found that the parcel was planned beside another one for the same."""

    parcel: Parcel
    rule: Text
    divergence_id: Id


# Events. Each names what the others need of the parcel.


class ShipmentPlanned(Event, tag="ShipmentPlanned"):
    """A `replacement` is paid for already, and no cancellation calls it off."""

    parcel: Parcel
    seller_id: Id
    lines: list[ParcelLine]
    value: Money
    replacement: bool = False


class ShipmentDispatched(Event, tag="ShipmentDispatched"):
    parcel: Parcel
    seller_id: Id
    lines: list[ParcelLine]
    value: Money
    carrier: Text
    dispatched_at: datetime


class ShipmentDelivered(Event, tag="ShipmentDelivered"):
    parcel: Parcel
    delivered_at: datetime


class DeliveryFailed(Event, tag="DeliveryFailed"):
    """The parcel is back with the sender, whole."""

    parcel: Parcel
    lines: list[ParcelLine]
    reason: Text
    failed_at: datetime


class ShipmentLost(Event, tag="ShipmentLost"):
    """Neither the customer nor the sender has the parcel."""

    parcel: Parcel
    lines: list[ParcelLine]
    reason: Text
    lost_at: datetime


class ShipmentCalledOff(Event, tag="ShipmentCalledOff"):
    parcel: Parcel
    lines: list[ParcelLine]


class CallOffRefused(Event, tag="CallOffRefused"):
    """The parcel had left."""

    parcel: Parcel


class ParcelCorrected(Event, tag="ParcelCorrected"):
    """The parcel, with its `lines` worth `value`, has left `surplus` times less often than was
    told. `rule` says what was wrong, `divergence_id` who has found it."""

    parcel: Parcel
    surplus: int
    lines: list[ParcelLine]
    value: Money
    rule: Text
    divergence_id: Id


class ParcelWithdrawn(Event, tag="ParcelWithdrawn"):
    """The parcel was planned by mistake and never leaves. `rule` says what was wrong,
    `divergence_id` who has found it."""

    parcel: Parcel
    rule: Text
    divergence_id: Id


CONTRACT = Contract(
    domain="shipping",
    commands={
        "shipment": (
            DispatchShipment,
            DeliverShipment,
            FailDelivery,
            LoseShipment,
            RecordPastShipments,
        )
    },
    internal={
        "shipment": (
            PlanShipments,
            PlanReplacement,
            CallOffShipments,
            CorrectShipment,
            WithdrawParcel,
        )
    },
    events={
        "shipment": (
            ShipmentPlanned,
            ShipmentDispatched,
            ShipmentDelivered,
            DeliveryFailed,
            ShipmentLost,
            ShipmentCalledOff,
            CallOffRefused,
            ParcelCorrected,
            ParcelWithdrawn,
            PastShipmentsRecorded,
        ),
    },
)
