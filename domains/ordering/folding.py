"""What each event makes of an order."""

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

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
    Underway,
    Unplaced,
    arrived,
    parcel_of,
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
        case _:
            if isinstance(state, Confirmed | Cancelling | Shipped):
                return _underway(state, event)
            return state


def _underway(state: Underway, event: OrderParcels) -> Order:  # noqa: PLR0911
    match event:
        case OrderPartlyShipped() | OrderShipped():
            return _sent(state, event)
        case OrderPartlyDelivered(parcel=number, delivered_at=time):
            return _arrived(state, number, time)
        case OrderDelivered(delivered_at=time):
            return _delivered(state, time)
        case CancellationRequested(reason=reason):
            return Cancelling(state.order, state.parcels, reason, {})
        case CallOffAnswered():
            return _answered(state, event)
        case CancellationRefused():
            done = arrived(state.parcels)
            return Delivered(state.order) if done else Shipped(state.order, state.parcels)
        case LinesCancelled(lines=lines):
            off = {line.line for line in lines}
            return Shipped(state.order, [p for p in state.parcels if p.lines[0].line not in off])
        case _:
            assert_never(event)


def _sent(state: Underway, event: OrderPartlyShipped | OrderShipped) -> Order:
    parcel = parcel_of(state, event.parcel)
    if parcel is not None:
        state = with_parcel(state, replace(parcel, dispatched_at=event.dispatched_at))
    if isinstance(event, OrderShipped) and isinstance(state, Confirmed):
        return Shipped(state.order, state.parcels)
    return state


def _arrived(state: Underway, number: int, time: datetime) -> Order:
    parcel = parcel_of(state, number)
    return state if parcel is None else with_parcel(state, replace(parcel, delivered_at=time))


def _delivered(state: Underway, time: datetime) -> Order:
    """A cancellation that is still waiting for answers gets them all the same."""
    if not isinstance(state, Cancelling):
        return Delivered(state.order)
    there = [p if p.delivered_at else replace(p, delivered_at=time) for p in state.parcels]
    return replace(state, parcels=there)


def _answered(state: Underway, event: CallOffAnswered) -> Order:
    if not isinstance(state, Cancelling):
        return state
    return replace(state, answers={**state.answers, event.parcel: event.called_off})
