"""An order's parcels: planned when it is confirmed, then sent off and delivered, or called off.

A parcel either leaves or is called off, whichever is recorded first; that is what decides a
cancellation that comes while the parcels are on their way out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from bus.decider import Decider, NotYet, Refused, Unknown
from bus.messages import Event
from domains.shipping.messages import (
    CallOffRefused,
    CallOffShipments,
    DeliverShipment,
    DispatchShipment,
    PlanShipments,
    ShipmentCalledOff,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentPlanned,
)

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
"""How far a sender's clock may be ahead of ours."""


class Parcel(Struct, frozen=True):
    """`refused`: a cancellation has been told that the parcel had left."""

    plan: ShipmentPlanned
    stage: Literal["planned", "dispatched", "delivered", "called off"] = "planned"
    refused: bool = False


Shipment = Mapping[int, Parcel]
"""An order's parcels by number; empty before they are planned."""


def decide(command: object, shipment: Shipment, now: datetime) -> Sequence[Event]:
    match command:
        case PlanShipments():
            return _plan(command, shipment)
        case DispatchShipment():
            return _dispatch(command, _parcel(command, shipment), now)
        case DeliverShipment():
            return _deliver(command, _parcel(command, shipment), now)
        case CallOffShipments():
            return [event for parcel in shipment.values() for event in _call_off(parcel)]
        case _:
            return ()


def _plan(command: PlanShipments, shipment: Shipment) -> Sequence[Event]:
    if shipment:
        return ()
    return [
        ShipmentPlanned(parcel=number, seller_id=plan.seller_id, lines=plan.lines, value=plan.value)
        for number, plan in enumerate(command.parcels, 1)
    ]


def _parcel(command: DispatchShipment | DeliverShipment, shipment: Shipment) -> Parcel:
    if not shipment:  # the order may have been confirmed a moment ago
        raise NotYet("ordering", Unknown("UnknownShipment", f"Nothing to send for {command.id}."))
    parcel = shipment.get(command.parcel)
    if parcel is None:
        raise Unknown(
            "UnknownParcel",
            f"Order {command.id} has no parcel {command.parcel}, it has {len(shipment)}.",
            parcels=len(shipment),
        )
    if parcel.stage == "called off":
        raise Refused("CalledOff", f"Parcel {command.parcel} of {command.id} was called off.")
    return parcel


def _dispatch(command: DispatchShipment, parcel: Parcel, now: datetime) -> Sequence[Event]:
    if parcel.stage != "planned":
        return ()
    plan = parcel.plan
    return [
        ShipmentDispatched(
            parcel=plan.parcel,
            seller_id=plan.seller_id,
            lines=plan.lines,
            value=plan.value,
            carrier=command.carrier,
            dispatched_at=_business_time(command.dispatched_at, now),
        )
    ]


def _deliver(command: DeliverShipment, parcel: Parcel, now: datetime) -> Sequence[Event]:
    if parcel.stage == "delivered":
        return ()
    if parcel.stage == "planned":
        raise Refused("NotDispatched", f"Parcel {command.parcel} of {command.id} hasn't left yet.")
    delivered_at = _business_time(command.delivered_at, now)
    return [ShipmentDelivered(parcel=command.parcel, delivered_at=delivered_at)]


def _business_time(told: datetime | None, now: datetime) -> datetime:
    if told is None:
        return now
    if not EARLIEST <= told <= now + AHEAD:
        raise Refused("TimeOutOfRange", f"{told.isoformat()} is before 1970 or still to come.")
    return told.astimezone(UTC)


def _call_off(parcel: Parcel) -> Sequence[Event]:
    number = parcel.plan.parcel
    if parcel.stage == "planned":
        return [ShipmentCalledOff(parcel=number, lines=parcel.plan.lines)]
    if parcel.stage == "called off" or parcel.refused:
        return ()
    return [CallOffRefused(parcel=number)]


def evolve(shipment: Shipment, event: object) -> Shipment:
    match event:
        case ShipmentPlanned():
            return {**shipment, event.parcel: Parcel(event)}
        case ShipmentDispatched():
            return _with(shipment, event.parcel, lambda p: replace(p, stage="dispatched"))
        case ShipmentDelivered():
            return _with(shipment, event.parcel, lambda p: replace(p, stage="delivered"))
        case ShipmentCalledOff():
            return _with(shipment, event.parcel, lambda p: replace(p, stage="called off"))
        case CallOffRefused():
            return _with(shipment, event.parcel, lambda p: replace(p, refused=True))
        case _:
            return shipment


def _with(shipment: Shipment, number: int, change: Callable[[Parcel], Parcel]) -> Shipment:
    return {**shipment, number: change(shipment[number])}


SHIPMENT = Decider({}, decide, evolve)
