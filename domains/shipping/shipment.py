"""An order's parcels: planned when it is confirmed, then sent off, or called off.

A parcel either leaves or is called off, whichever is recorded first; that is what decides a
cancellation that comes while the parcels are on their way out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from bus.decider import Decider, NotYet, Refused, Unknown
from bus.messages import Event
from domains.shipping.correcting import Correction, correct
from domains.shipping.ending import Ending, end
from domains.shipping.messages import (
    CallOffRefused,
    CallOffShipments,
    CorrectShipment,
    DeliverShipment,
    DeliveryFailed,
    DispatchShipment,
    FailDelivery,
    LoseShipment,
    ParcelWithdrawn,
    PlanReplacement,
    PlanShipments,
    ShipmentCalledOff,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
    ShipmentPlanned,
    WithdrawParcel,
)
from domains.shipping.parcels import Parcel, Shipment, business_time


def decide(  # noqa: PLR0911
    command: object, shipment: Shipment, now: datetime
) -> Sequence[Event]:
    match command:
        case PlanShipments():
            return _plan(command, shipment)
        case PlanReplacement():
            return _plan_replacement(command, shipment)
        case DispatchShipment():
            return _dispatch(command, _parcel(command, shipment), now)
        case DeliverShipment() | FailDelivery() | LoseShipment():
            return end(command, _parcel(command, shipment), now)
        case CallOffShipments():
            return [event for parcel in shipment.values() for event in _call_off(parcel)]
        case CorrectShipment() | WithdrawParcel():
            return correct(command, _parcel(command, shipment))
        case _:
            return ()


def _plan(command: PlanShipments, shipment: Shipment) -> Sequence[Event]:
    if shipment:
        return ()
    return [
        ShipmentPlanned(parcel=number, seller_id=plan.seller_id, lines=plan.lines, value=plan.value)
        for number, plan in enumerate(command.parcels, 1)
    ]


def _plan_replacement(command: PlanReplacement, shipment: Shipment) -> Sequence[Event]:
    if command.parcel in shipment:
        return ()
    plan = command.plan
    return [
        ShipmentPlanned(
            parcel=command.parcel,
            seller_id=plan.seller_id,
            lines=plan.lines,
            value=plan.value,
            replacement=True,
        )
    ]


def _parcel(command: DispatchShipment | Ending | Correction, shipment: Shipment) -> Parcel:
    if not shipment:  # the order may have been confirmed a moment ago
        raise NotYet("ordering", Unknown("UnknownShipment", f"Nothing to send for {command.id}."))
    parcel = shipment.get(command.parcel)
    if parcel is None:
        message = f"Order {command.id} has no parcel {command.parcel}, it has {len(shipment)}."
        # A replacement may have been confirmed a moment ago.
        raise NotYet("ordering", Unknown("UnknownParcel", message, parcels=len(shipment)))
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
            dispatched_at=business_time(command.dispatched_at, now),
        )
    ]


def _call_off(parcel: Parcel) -> Sequence[Event]:
    number = parcel.plan.parcel
    if parcel.plan.replacement:
        return ()
    if parcel.stage == "planned":
        return [ShipmentCalledOff(parcel=number, lines=parcel.plan.lines)]
    if parcel.stage == "called off" or parcel.refused:
        return ()
    return [CallOffRefused(parcel=number)]


def evolve(shipment: Shipment, event: object) -> Shipment:  # noqa: PLR0911
    match event:
        case ShipmentPlanned():
            return {**shipment, event.parcel: Parcel(event)}
        case ShipmentDispatched():
            return _with(shipment, event.parcel, lambda p: replace(p, stage="dispatched"))
        case ShipmentDelivered():
            return _with(shipment, event.parcel, lambda p: replace(p, stage="delivered"))
        case DeliveryFailed():
            return _with(shipment, event.parcel, lambda p: replace(p, stage="failed"))
        case ShipmentLost():
            return _with(shipment, event.parcel, lambda p: replace(p, stage="lost"))
        case ShipmentCalledOff() | ParcelWithdrawn():
            return _with(shipment, event.parcel, lambda p: replace(p, stage="called off"))
        case CallOffRefused():
            return _with(shipment, event.parcel, lambda p: replace(p, refused=True))
        case _:
            return shipment


def _with(shipment: Shipment, number: int, change: Callable[[Parcel], Parcel]) -> Shipment:
    return {**shipment, number: change(shipment[number])}


SHIPMENT = Decider({}, decide, evolve)
