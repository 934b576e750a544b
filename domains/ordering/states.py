"""The states of an order, from nothing to its end."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domains.ordering.after import After
from domains.ordering.messages import OrderLine, OrderPlaced


class Parcel(Struct, frozen=True):
    """What one seller sends. Its arrival may be heard of before its leaving."""

    number: int
    lines: Sequence[OrderLine]
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    lost: bool = False
    """It left and will not arrive, whether it came back or not."""

    @property
    def has_left(self) -> bool:
        return self.dispatched_at is not None or self.settled

    @property
    def settled(self) -> bool:
        return self.delivered_at is not None or self.lost


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
    after: After = After()


class Cancelling(Struct, frozen=True, tag=True):
    """Waits for shipping's answer for each parcel; they go on leaving meanwhile."""

    order: OrderPlaced
    parcels: Sequence[Parcel]
    reason: str
    answers: Mapping[int, bool]
    """By parcel's number, whether it was called off."""
    after: After = After()


class Shipped(Struct, frozen=True, tag=True):
    """Every parcel that was not called off has left, by what shipping has said."""

    order: OrderPlaced
    parcels: Sequence[Parcel]
    after: After = After()


class Delivered(Struct, frozen=True, tag=True):
    """All that could arrive has arrived; some of it may come back."""

    order: OrderPlaced
    parcels: Sequence[Parcel]
    after: After = After()


class Undelivered(Struct, frozen=True, tag=True):
    """Some of it has left, and nothing has arrived."""

    order: OrderPlaced


class Cancelled(Struct, frozen=True, tag=True):
    order: OrderPlaced


Underway = Confirmed | Cancelling | Shipped
Sold = Underway | Delivered
"""Something of it may be with the customer."""
Order = Unplaced | Placed | AwaitingPayment | Sold | Undelivered | Cancelled


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


def settled(parcels: Sequence[Parcel]) -> bool:
    """Nothing is on its way or still to leave."""
    return all(parcel.settled for parcel in parcels)


def arrived(parcels: Sequence[Parcel]) -> datetime | None:
    """When the last one arrived of those that did; None while one is on its way, or if none did."""
    times = [parcel.delivered_at for parcel in parcels if parcel.delivered_at is not None]
    return max(times) if times and settled(parcels) else None
