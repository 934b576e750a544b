"""Parcels leave and arrive, one by one."""

from collections.abc import Sequence

from msgspec.structs import replace

from domains.ordering.messages import (
    OrderDelivered,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderShipped,
    RecordDelivery,
    RecordDispatch,
)
from domains.ordering.states import (
    Cancelling,
    Confirmed,
    Order,
    Parcel,
    Shipped,
    all_sent,
    arrived,
    parcel_of,
    with_parcel,
)

Sent = OrderPartlyShipped | OrderShipped
Arrived = OrderPartlyDelivered | OrderDelivered


def record_dispatch(command: RecordDispatch, state: Order) -> Sequence[Sent]:
    if not isinstance(state, Confirmed | Cancelling | Shipped) or arrived(state.parcels):
        return []
    parcel = parcel_of(state, command.parcel)
    if parcel is None or parcel.dispatched_at is not None:
        return []
    sent = replace(parcel, dispatched_at=command.dispatched_at)
    told = OrderShipped if all_sent(with_parcel(state, sent).parcels) else OrderPartlyShipped
    return [told(parcel=command.parcel, dispatched_at=command.dispatched_at)]


def record_delivery(command: RecordDelivery, state: Order) -> Sequence[Arrived]:
    if not isinstance(state, Confirmed | Cancelling | Shipped):
        return []
    parcel = parcel_of(state, command.parcel)
    if parcel is None or parcel.delivered_at is not None:
        return []
    there = replace(parcel, delivered_at=command.delivered_at)
    last = arrived(with_parcel(state, there).parcels)
    if last is not None:
        return [OrderDelivered(delivered_at=last)]
    return [OrderPartlyDelivered(parcel=command.parcel, delivered_at=command.delivered_at)]


def told_again(parcels: Sequence[Parcel]) -> Sequence[OrderShipped | OrderDelivered]:
    """Where the order stands once only `parcels` are left of it."""
    last_arrival = arrived(parcels)
    if last_arrival is not None:
        return [OrderDelivered(delivered_at=last_arrival)]
    sent = [(p.dispatched_at, p.number) for p in parcels if p.dispatched_at is not None]
    if len(sent) < len(parcels):
        return []
    dispatched_at, number = max(sent)
    return [OrderShipped(parcel=number, dispatched_at=dispatched_at)]
