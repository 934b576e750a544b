"""The end of a parcel's way: it arrives, comes back to the sender, or is lost. One of the three."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from bus.decider import Refused
from bus.messages import Event
from domains.shipping.messages import (
    DeliverShipment,
    DeliveryFailed,
    FailDelivery,
    LoseShipment,
    ShipmentDelivered,
    ShipmentLost,
)
from domains.shipping.parcels import Parcel, business_time

Ending = DeliverShipment | FailDelivery | LoseShipment

STAGES = {DeliverShipment: "delivered", FailDelivery: "failed", LoseShipment: "lost"}
REFUSALS = {"delivered": "AlreadyDelivered", "failed": "DeliveryFailed", "lost": "ShipmentLost"}
"""Why a parcel can't end once more, and otherwise."""


def end(command: Ending, parcel: Parcel, now: datetime) -> Sequence[Event]:
    """What was told once stays true: a lost parcel that turns up is a matter for a person, because
    its value has been given back."""
    of = f"Parcel {command.parcel} of {command.id}"
    if parcel.stage == STAGES[type(command)]:
        return ()
    if parcel.stage == "planned":
        raise Refused("NotDispatched", f"{of} hasn't left yet.")
    if parcel.stage != "dispatched":
        raise Refused(REFUSALS[parcel.stage], f"{of} is {parcel.stage}.", stage=parcel.stage)
    return [_ended(command, parcel, now)]


def _ended(command: Ending, parcel: Parcel, now: datetime) -> Event:
    number, lines = parcel.plan.parcel, parcel.plan.lines
    match command:
        case DeliverShipment(delivered_at=at):
            return ShipmentDelivered(parcel=number, delivered_at=business_time(at, now))
        case FailDelivery(reason=reason, failed_at=at):
            time = business_time(at, now)
            return DeliveryFailed(parcel=number, lines=lines, reason=reason, failed_at=time)
        case LoseShipment(reason=reason, lost_at=at):
            time = business_time(at, now)
            return ShipmentLost(parcel=number, lines=lines, reason=reason, lost_at=time)
        case _:
            assert_never(command)
