"""What becomes of an order's goods once they have arrived: they come back, and are replaced."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bus.messages import Money
from domains.ordering.messages import (
    OrderLine,
    ParcelLost,
    ReplacementConfirmed,
    ReplacementDelivered,
    ReplacementRequested,
    ReplacementShipped,
    ReplacementUnavailable,
    ReturnAccepted,
    ReturnExpired,
    ReturnRequested,
)

Units = Mapping[int, int]
"""By line's number."""


class Return(Struct, frozen=True):
    asked: Units
    exchange: bool
    came: Units = {}
    receipts: frozenset[int] = frozenset()
    open: bool = True

    @property
    def claimed(self) -> Units:
        """What no other return can ask for."""
        return self.asked if self.open else self.came


class Replacement(Struct, frozen=True):
    """`answered`: its units are kept, or can't be had."""

    lines: Sequence[OrderLine]
    answered: bool = False
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    over: bool = False
    """Refused or lost: its value has been given back."""


class After(Struct, frozen=True):
    """`refunded` are the units whose value has been given back."""

    returns: Mapping[int, Return] = {}
    replacements: Mapping[int, Replacement] = {}
    refunded: Units = {}


AfterEvent = (
    ReturnRequested
    | ReturnExpired
    | ReturnAccepted
    | ReplacementRequested
    | ReplacementConfirmed
    | ReplacementUnavailable
    | ReplacementShipped
    | ReplacementDelivered
)


def added(units: Units, more: Iterable[tuple[int, int]]) -> Units:
    sums = dict(units)
    for line, quantity in more:
        sums[line] = sums.get(line, 0) + quantity
    return sums


def share(line: OrderLine, quantity: int, before: int) -> OrderLine:
    """`quantity` units of the line with the freight that falls to them, after `before` others."""
    freight = line.freight.amount
    part = freight * (before + quantity) // line.quantity - freight * before // line.quantity
    return replace(line, quantity=quantity, freight=Money(part, line.freight.currency))


def shares(lines: Iterable[OrderLine], wanted: Units, refunded: Units) -> list[OrderLine]:
    """The part of the lines, by number of units, whose value is next to be given back."""
    return [
        share(line, wanted[line.line], refunded.get(line.line, 0))
        for line in lines
        if wanted.get(line.line, 0)
    ]


def quantities(lines: Iterable[OrderLine]) -> list[tuple[int, int]]:
    return [(line.line, line.quantity) for line in lines]


def evolve(after: After, event: AfterEvent) -> After:
    match event:
        case ReturnRequested(number=number, lines=lines, exchange=exchange):
            asked = Return({line.line: line.quantity for line in lines}, exchange)
            return replace(after, returns={**after.returns, number: asked})
        case ReturnExpired(number=number):
            return _with_return(after, replace(after.returns[number], open=False), number)
        case ReturnAccepted():
            return _accepted(after, event)
        case ReplacementUnavailable(lines=lines):
            return refunded(_replaced(after, event), lines)
        case _:
            return _replaced(after, event)


def lost(after: After, event: ParcelLost) -> After:
    known = after.replacements.get(event.parcel)
    after = refunded(after, event.lines)
    return after if known is None else _with(after, event.parcel, replace(known, over=True))


def refunded(after: After, lines: Iterable[OrderLine]) -> After:
    return replace(after, refunded=added(after.refunded, quantities(lines)))


def _accepted(after: After, event: ReturnAccepted) -> After:
    was = after.returns[event.number]
    now = replace(
        was,
        came=added(was.came, quantities(event.lines)),
        receipts=was.receipts | {event.receipt},
        open=was.open and not event.complete,
    )
    after = _with_return(after, now, event.number)
    return after if event.exchange else refunded(after, event.lines)


def _replaced(
    after: After,
    event: ReplacementRequested
    | ReplacementConfirmed
    | ReplacementUnavailable
    | ReplacementShipped
    | ReplacementDelivered,
) -> After:
    number = event.parcel
    if isinstance(event, ReplacementRequested):
        return _with(after, number, Replacement(event.lines))
    known = after.replacements[number]
    match event:
        case ReplacementConfirmed():
            known = replace(known, answered=True)
        case ReplacementUnavailable():
            known = replace(known, answered=True, over=True)
        case ReplacementShipped(dispatched_at=at):
            known = replace(known, dispatched_at=at)
        case ReplacementDelivered(delivered_at=at):
            known = replace(known, delivered_at=at)
    return _with(after, number, known)


def _with(after: After, number: int, changed: Replacement) -> After:
    return replace(after, replacements={**after.replacements, number: changed})


def _with_return(after: After, changed: Return, number: int) -> After:
    return replace(after, returns={**after.returns, number: changed})
