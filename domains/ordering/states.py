"""The states of an order, from nothing to its end."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domains.ordering.messages import OrderLine, OrderPlaced


class Parcel(Struct, frozen=True):
    """What one seller sends. Its arrival may be heard of before its leaving."""

    number: int
    lines: Sequence[OrderLine]
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None

    @property
    def has_left(self) -> bool:
        return self.dispatched_at is not None or self.delivered_at is not None


class Unplaced(Struct, frozen=True, tag=True):
    """No order has this id."""


class Placed(Struct, frozen=True, tag=True):
    """Waits for its stock."""

    order: OrderPlaced


class AwaitingPayment(Struct, frozen=True, tag=True):
    """Has its stock, waits for the money."""

    order: OrderPlaced


class Confirmed(Struct, frozen=True, tag=True):
    """Paid. At least one parcel has not left."""

    order: OrderPlaced
    parcels: Sequence[Parcel]


class Cancelling(Struct, frozen=True, tag=True):
    """Waits for shipping's answer for each parcel; they go on leaving meanwhile."""

    order: OrderPlaced
    parcels: Sequence[Parcel]
    reason: str
    answers: Mapping[int, bool]
    """By parcel's number, whether it was called off."""


class Shipped(Struct, frozen=True, tag=True):
    """Every parcel that was not called off has left, by what shipping has said."""

    order: OrderPlaced
    parcels: Sequence[Parcel]


class Delivered(Struct, frozen=True, tag=True):
    order: OrderPlaced


class Cancelled(Struct, frozen=True, tag=True):
    order: OrderPlaced


Underway = Confirmed | Cancelling | Shipped
Order = Unplaced | Placed | AwaitingPayment | Underway | Delivered | Cancelled


def parcel_of(state: Underway, number: int) -> Parcel | None:
    """The parcel, where the order has it and it was not called off."""
    if isinstance(state, Cancelling) and state.answers.get(number, False):
        return None
    return next((parcel for parcel in state.parcels if parcel.number == number), None)


def with_parcel(state: Underway, changed: Parcel) -> Underway:
    parcels = [changed if parcel.number == changed.number else parcel for parcel in state.parcels]
    return replace(state, parcels=parcels)


def all_sent(parcels: Sequence[Parcel]) -> bool:
    return all(parcel.dispatched_at is not None for parcel in parcels)


def arrived(parcels: Sequence[Parcel]) -> datetime | None:
    """When the last one arrived; None while one is on its way."""
    times = [parcel.delivered_at for parcel in parcels if parcel.delivered_at is not None]
    return max(times) if len(times) == len(parcels) else None
