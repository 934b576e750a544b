"""An order's reservation: all of its units or none, decided with the stock of each SKU.

Each decision here spans the reservation and the SKUs that it names, and is written in one
transaction: what a reservation keeps is what the stocks count as reserved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bus.decider import Decider, Span, States
from bus.envelope import Key
from bus.messages import Command, Event
from domains.inventory import away
from domains.inventory.away import Away
from domains.inventory.messages import (
    Part,
    ReleaseStock,
    ReplacementReserved,
    ReservationAdjusted,
    ReservationRefused,
    ReserveStock,
    ShipStock,
    Shortfall,
    StockReleased,
    StockReserved,
    StockShipped,
    UnitsReleased,
    UnitsReserved,
    UnitsReturned,
    UnitsShipped,
)

Written = Sequence[tuple[Key, Event]]


class Unasked(Struct, frozen=True):
    """Nobody has asked for the order's units yet."""


class Turned(Struct, frozen=True):
    """The units weren't there; nothing is kept."""


class Kept(Struct, frozen=True):
    """`units` is what is still kept, by SKU; `parcels` are those that have left."""

    units: Mapping[str, int]
    parcels: frozenset[int] = frozenset()
    away: Away = Away()


Reservation = Unasked | Turned | Kept


def stock_key(sku: str) -> Key:
    return Key("stock", sku)


def reservation_key(order_id: str) -> Key:
    return Key("reservation", order_id)


def _reads(command: ReserveStock | ReleaseStock | ShipStock) -> Iterable[Key]:
    yield reservation_key(command.id)
    for part in command.parts:
        yield stock_key(part.sku)


def reserve(command: ReserveStock, states: States, now: datetime) -> Written:
    key = reservation_key(command.id)
    if not isinstance(states[key], Unasked):
        return ()
    short = shortfalls(command.parts, states)
    if short:
        return [(key, ReservationRefused(shortfalls=short))]
    return [*moves(command.id, command.parts, UnitsReserved), (key, _reserved(command))]


def shortfalls(parts: Iterable[Part], states: States) -> list[Shortfall]:
    return [
        Shortfall(sku=part.sku, wanted=part.quantity, available=available)
        for part in parts
        if part.quantity > (available := states[stock_key(part.sku)].available)
    ]


def _reserved(command: ReserveStock) -> StockReserved:
    return StockReserved(parts=command.parts)


def release(command: ReleaseStock, states: States, now: datetime) -> Written:
    key = reservation_key(command.id)
    parts = _still_kept(command.parts, states[key])
    if not parts:
        return ()
    return [*moves(command.id, parts, UnitsReleased), (key, StockReleased(parts=parts))]


def ship(command: ShipStock, states: States, now: datetime) -> Written:
    key = reservation_key(command.id)
    reservation = states[key]
    parts = _still_kept(command.parts, reservation)
    if not parts or command.parcel in reservation.parcels:
        return ()
    shipped = StockShipped(parcel=command.parcel, parts=parts)
    return [*moves(command.id, parts, UnitsShipped), (key, shipped)]


def _still_kept(parts: Iterable[Part], reservation: Reservation) -> list[Part]:
    """As much of `parts` as the reservation keeps: no unit is given up twice."""
    if not isinstance(reservation, Kept):
        return []
    return [
        Part(sku=part.sku, quantity=quantity)
        for part in parts
        if (quantity := min(part.quantity, reservation.units.get(part.sku, 0)))
    ]


UnitsMoved = UnitsReserved | UnitsReleased | UnitsShipped | UnitsReturned


def moves(order_id: str, parts: Iterable[Part], move: Callable[..., UnitsMoved]) -> Written:
    return [
        (stock_key(part.sku), move(order_id=order_id, quantity=part.quantity)) for part in parts
    ]


def _decide_alone(command: object, state: Reservation, now: datetime) -> Sequence[Event]:
    """Nothing is decided on a reservation alone; see SPANS."""
    return ()


def evolve(state: Reservation, event: object) -> Reservation:  # noqa: PLR0911
    match event, state:
        case StockReserved(), Kept():
            units = away.counted([*state.units.items(), *away.pairs(event.parts)])
            return replace(state, units=units)
        case StockReserved(), _:
            return Kept({part.sku: part.quantity for part in event.parts})
        case ReservationAdjusted(kept=kept), Kept():
            units = away.counted([*state.units.items(), *kept.items()])
            return replace(state, units={sku: n for sku, n in units.items() if n})
        case ReservationRefused(), _:
            return Turned()
        case StockReleased(), Kept():
            return replace(state, units=_less(state.units, event.parts))
        case StockShipped(), Kept():
            units, parcels = _less(state.units, event.parts), state.parcels | {event.parcel}
            return Kept(units, parcels, away.evolve(state.away, event))
        case ReplacementReserved(), Kept():
            units = away.counted([*state.units.items(), *away.pairs(event.parts)])
            return replace(state, units=units, away=away.evolve(state.away, event))
        case _, Kept():
            return replace(state, away=away.evolve(state.away, event))
        case _:
            return state


def _less(units: Mapping[str, int], parts: Iterable[Part]) -> Mapping[str, int]:
    gone = {part.sku: part.quantity for part in parts}
    left = {sku: quantity - gone.get(sku, 0) for sku, quantity in units.items()}
    return {sku: quantity for sku, quantity in left.items() if quantity}


RESERVATION = Decider(Unasked(), _decide_alone, evolve)
SPANS: Mapping[type[Command], Span] = {
    ReserveStock: Span(_reads, reserve),
    ReleaseStock: Span(_reads, release),
    ShipStock: Span(_reads, ship),
}
