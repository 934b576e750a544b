"""What each event makes of an order."""

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from domains.ordering import after
from domains.ordering.after import AfterEvent
from domains.ordering.messages import (
    CallOffAnswered,
    CancellationRefused,
    CancellationRequested,
    LinesCancelled,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderPlaced,
    OrderShipped,
    OrderUndelivered,
    ParcelLost,
    PaymentRequested,
)
from domains.ordering.states import (
    AwaitingPayment,
    Cancelled,
    Cancelling,
    Confirmed,
    Delivered,
    Order,
    Parcel,
    Placed,
    Shipped,
    Undelivered,
    Underway,
    Unplaced,
    arrived,
    parcel_of,
    settled,
    with_parcel,
)

OrderEvent = (
    OrderPlaced
    | PaymentRequested
    | OrderConfirmed
    | OrderPartlyShipped
    | OrderShipped
    | OrderPartlyDelivered
    | OrderDelivered
    | CancellationRequested
    | CallOffAnswered
    | CancellationRefused
    | LinesCancelled
    | OrderCancelled
    | ParcelLost
    | OrderUndelivered
    | AfterEvent
)
OrderParcels = (
    OrderPartlyShipped
    | OrderShipped
    | OrderPartlyDelivered
    | OrderDelivered
    | CancellationRequested
    | CallOffAnswered
    | CancellationRefused
    | LinesCancelled
    | ParcelLost
    | OrderUndelivered
)
"""The events of an order that is under way."""


def evolve(state: Order, event: OrderEvent) -> Order:  # noqa: PLR0911
    if isinstance(event, OrderPlaced):
        return Placed(event)
    if isinstance(state, Unplaced):
        return state
    match event:
        case PaymentRequested():
            return AwaitingPayment(state.order)
        case OrderConfirmed(parcels=parcels):
            numbered = [Parcel(number, lines) for number, lines in enumerate(parcels, 1)]
            return Confirmed(state.order, numbered)
        case OrderCancelled():
            return Cancelled(state.order)
        case _ if isinstance(event, AfterEvent):
            return _after(state, event)
        case _ if isinstance(state, Confirmed | Cancelling | Shipped):
            return _underway(state, event)
        case ParcelLost() if isinstance(state, Delivered):
            return replace(state, after=after.lost(state.after, event))
        case _:
            return state


def _after(state: Order, event: AfterEvent) -> Order:
    if isinstance(state, Confirmed | Cancelling | Shipped | Delivered):
        return replace(state, after=after.evolve(state.after, event))
    return state


def _underway(state: Underway, event: OrderParcels) -> Order:  # noqa: PLR0911
    match event:
        case OrderPartlyShipped() | OrderShipped():
            return _sent(state, event)
        case OrderPartlyDelivered(parcel=number, delivered_at=time):
            return _arrived(state, number, time)
        case OrderDelivered(delivered_at=time):
            return _delivered(state, time)
        case ParcelLost():
            return _lost(state, event)
        case OrderUndelivered():
            return state if isinstance(state, Cancelling) else Undelivered(state.order)
        case CancellationRequested(reason=reason):
            return Cancelling(state.order, state.parcels, reason, {}, state.after)
        case CallOffAnswered():
            return _answered(state, event)
        case CancellationRefused():
            return _refused(state)
        case LinesCancelled(lines=lines):
            off = {line.line for line in lines}
            rest = [p for p in state.parcels if p.lines[0].line not in off]
            return Shipped(state.order, rest, state.after)
        case _:
            assert_never(event)


def _sent(state: Underway, event: OrderPartlyShipped | OrderShipped) -> Order:
    parcel = parcel_of(state, event.parcel)
    if parcel is not None:
        state = with_parcel(state, replace(parcel, dispatched_at=event.dispatched_at))
    if isinstance(event, OrderShipped) and isinstance(state, Confirmed):
        return Shipped(state.order, state.parcels, state.after)
    return state


def _arrived(state: Underway, number: int, time: datetime) -> Order:
    parcel = parcel_of(state, number)
    return state if parcel is None else with_parcel(state, replace(parcel, delivered_at=time))


def _delivered(state: Underway, time: datetime) -> Order:
    """A cancellation that is still waiting for answers gets them all the same."""
    there = [p if p.settled else replace(p, delivered_at=time) for p in state.parcels]
    if not isinstance(state, Cancelling):
        return Delivered(state.order, there, state.after)
    return replace(state, parcels=there)


def _lost(state: Underway, event: ParcelLost) -> Order:
    parcel = parcel_of(state, event.parcel)
    if parcel is not None:
        state = with_parcel(state, replace(parcel, lost=True))
    return replace(state, after=after.lost(state.after, event))


def _refused(state: Underway) -> Order:
    """All of it had left; it may have arrived, or got lost, meanwhile."""
    if not settled(state.parcels):
        return Shipped(state.order, state.parcels, state.after)
    if arrived(state.parcels) is None:
        return Undelivered(state.order)
    return Delivered(state.order, state.parcels, state.after)


def _answered(state: Underway, event: CallOffAnswered) -> Order:
    if not isinstance(state, Cancelling):
        return state
    return replace(state, answers={**state.answers, event.parcel: event.called_off})
