"""How far an order has come, and what is to be sent next: pure, so that a rerun is the same.

What has happened is only what the streams tell. So the importer keeps nothing, and one that
is killed goes on where the shop is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from bus.messages import Command
from domains.ordering.messages import CancelOrder
from domains.shipping.messages import DeliverShipment, DispatchShipment
from scripts.olist.mapping import End, Journey

CARRIER = "olist"


class Told(NamedTuple):
    """What an event says about an order. `parcel` and `cause` are empty where it names none."""

    type: str
    order_id: str
    parcel: int = 0
    cause: str = ""


class Step(NamedTuple):
    """A command and its name, which no other of the order has."""

    name: str
    domain: str
    command: Command

    @property
    def id(self) -> str:
        """The command's id: the same in every import."""
        return command_id(self.command, self.name)


def command_id(command: Command, name: str) -> str:
    return f"olist-{command.id}-{name}"


def first_step(journey: Journey) -> Step:
    return Step("place", "ordering", journey.place)


class Course(Struct):
    """How far an order has come. The sets of parcels are bit masks."""

    state: str = ""
    cancel_refused: bool = False
    planned: int = 0
    dispatched: int = 0
    delivered: int = 0

    def hear(self, told: Told) -> None:
        """Repeats change nothing."""
        bit = 1 << told.parcel
        match told.type:
            case "ShipmentPlanned":
                self.planned |= bit
            case "ShipmentDispatched":
                self.dispatched |= bit
            case "ShipmentDelivered":
                self.delivered |= bit
            case "CancellationRefused":
                self.cancel_refused = True
            case "OrderCancelled":
                self.state = f"cancelled ({told.cause})"
            case _:
                self.state = _STATES.get(told.type, self.state)

    def ended(self, journey: Journey) -> bool:
        """Whether nothing more is to be sent or awaited: it is where it should be, or beyond."""
        if self.state.startswith("cancelled"):
            return True
        too_late = journey.cancelled and journey.dispatched_at is not None
        there = _STAGES.index(self.state) > _BEFORE[journey.end]
        return there and (self.cancel_refused or not too_late)

    def next(self, journey: Journey) -> Iterator[Step]:
        """What can be sent now, in order; also what was sent but has had no effect yet."""
        if not self.state:
            yield first_step(journey)
        elif not self.ended(journey):
            yield from self._parcels(journey)
            if journey.cancelled and self.state in ("confirmed", journey.end):
                yield from self._cancellation(journey)

    def _parcels(self, journey: Journey) -> Iterator[Step]:
        id = journey.place.id
        if (at := journey.dispatched_at) is not None:
            for parcel in _numbers(self.planned & ~self.dispatched):
                dispatch = DispatchShipment(id=id, parcel=parcel, carrier=CARRIER, dispatched_at=at)
                yield Step(f"dispatch-{parcel}", "shipping", dispatch)
        if (at := journey.delivered_at) is not None:
            for parcel in _numbers(self.dispatched & ~self.delivered):
                deliver = DeliverShipment(id=id, parcel=parcel, delivered_at=at)
                yield Step(f"deliver-{parcel}", "shipping", deliver)

    def _cancellation(self, journey: Journey) -> Iterator[Step]:
        """What leaves is cancelled only once it has left, as it really was."""
        if journey.dispatched_at is None or self.state == journey.end:
            cancel = CancelOrder(id=journey.place.id, reason="cancelled at Olist")
            yield Step("cancel", "ordering", cancel)


_STATES = {
    "OrderPlaced": "placed",
    "PaymentRequested": "awaiting_payment",
    "OrderConfirmed": "confirmed",
    "OrderShipped": "shipped",
    "OrderDelivered": "delivered",
}
_STAGES = ("", *_STATES.values())
_BEFORE: Mapping[End, int] = {
    "refused NoLines": 0,
    "refused PaymentsDontAddUp": 0,
    "cancelled (unavailable)": 1,
    "awaiting_payment": 1,
    "confirmed": 2,
    "cancelled (customer)": 3,
    "shipped": 3,
    "delivered": 4,
}
"""The last stage that an order comes to on its way to each end."""
HEARD = frozenset(
    {
        *_STATES,
        "OrderCancelled",
        "CancellationRefused",
        "ShipmentPlanned",
        "ShipmentDispatched",
        "ShipmentDelivered",
    }
)
"""The types of events that tell something."""


def _numbers(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
