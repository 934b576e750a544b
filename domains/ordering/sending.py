"""Parcels leave and arrive, one by one."""

from collections.abc import Sequence

from msgspec.structs import replace

from domains.ordering.messages import (
    OrderDelivered,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderShipped,
    OrderUndelivered,
    RecordDelivery,
    RecordDispatch,
    ReplacementDelivered,
    ReplacementShipped,
)
from domains.ordering.replacing import came as came_again
from domains.ordering.replacing import replacement_of
from domains.ordering.replacing import sent as sent_again
from domains.ordering.states import (
    Cancelling,
    Confirmed,
    Order,
    Parcel,
    Shipped,
    all_sent,
    arrived,
    parcel_of,
    settled,
    with_parcel,
)

Sent = OrderPartlyShipped | OrderShipped | ReplacementShipped
Arrived = OrderPartlyDelivered | OrderDelivered | ReplacementDelivered

End = OrderDelivered | OrderUndelivered


def record_dispatch(command: RecordDispatch, state: Order) -> Sequence[Sent]:
    replacement = replacement_of(state, command.parcel)
    if replacement is not None:
        return sent_again(command, replacement)
    if not isinstance(state, Confirmed | Cancelling | Shipped) or settled(state.parcels):
        return []
    parcel = parcel_of(state, command.parcel)
    if parcel is None or parcel.dispatched_at is not None:
        return []
    sent = replace(parcel, dispatched_at=command.dispatched_at)
    told = OrderShipped if all_sent(with_parcel(state, sent).parcels) else OrderPartlyShipped
    return [told(parcel=command.parcel, dispatched_at=command.dispatched_at)]


def record_delivery(command: RecordDelivery, state: Order) -> Sequence[Arrived]:
    replacement = replacement_of(state, command.parcel)
    if replacement is not None:
        return came_again(command, replacement)
    if not isinstance(state, Confirmed | Cancelling | Shipped):
        return []
    parcel = parcel_of(state, command.parcel)
    if parcel is None or parcel.settled:
        return []
    there = replace(parcel, delivered_at=command.delivered_at)
    last = arrived(with_parcel(state, there).parcels)
    if last is not None:
        return [OrderDelivered(delivered_at=last)]
    return [OrderPartlyDelivered(parcel=command.parcel, delivered_at=command.delivered_at)]


def ended(parcels: Sequence[Parcel]) -> Sequence[End]:
    """The order's end, once each of its parcels has arrived or is lost."""
    if not settled(parcels):
        return []
    last_arrival = arrived(parcels)
    if last_arrival is None:
        return [OrderUndelivered()]
    return [OrderDelivered(delivered_at=last_arrival)]


def told_again(parcels: Sequence[Parcel]) -> Sequence[OrderShipped | End]:
    """Where the order stands once only `parcels` are left of it."""
    if settled(parcels):
        return ended(parcels)
    sent = [(p.dispatched_at, p.number) for p in parcels if p.dispatched_at is not None]
    if len(sent) < len(parcels):
        return []
    dispatched_at, number = max(sent)
    return [OrderShipped(parcel=number, dispatched_at=dispatched_at)]
