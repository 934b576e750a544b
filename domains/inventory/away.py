"""What of an order has left, and what of it is expected back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from domains.inventory.messages import (
    ExpectedLine,
    ParcelTakenBack,
    Part,
    ReceivedPart,
    ReplacementRefused,
    ReplacementReserved,
    ReturnExpected,
    ReturnForgotten,
    ReturnReceived,
    StockShipped,
)


class Expected(Struct, frozen=True):
    """A return: `left` by line is still to come, `receipts` parcels of it have, of which some had
    a name of their own."""

    lines: tuple[ExpectedLine, ...]
    left: Mapping[int, int]
    receipts: int = 0
    references: frozenset[str] = frozenset()
    forgotten: bool = False


class Away(Struct, frozen=True):
    """`units` by SKU are with the customer or on their way; no more than these can come back.
    `back` are the parcels that were not delivered, `replacements` those that were asked for."""

    units: Mapping[str, int] = {}
    returns: Mapping[int, Expected] = {}
    back: frozenset[int] = frozenset()
    replacements: frozenset[int] = frozenset()


def counted(found: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    sums: Counter[str] = Counter()
    for sku, quantity in found:
        sums[sku] += quantity
    return dict(sums)


def pairs(parts: Iterable[Part]) -> list[tuple[str, int]]:
    return [(part.sku, part.quantity) for part in parts]


def came(parts: Iterable[ReceivedPart]) -> Mapping[str, int]:
    """How many units of each SKU."""
    return counted((part.sku, part.sellable + part.scrapped) for part in parts)


def evolve(away: Away, event: object) -> Away:  # noqa: PLR0911
    match event:
        case StockShipped(parts=parts):
            return replace(away, units=counted([*away.units.items(), *pairs(parts)]))
        case ParcelTakenBack(parcel=parcel, parts=parts):
            away = replace(away, back=away.back | {parcel})
            return _back(away, counted(pairs(parts)))
        case ReplacementReserved(parcel=parcel) | ReplacementRefused(parcel=parcel):
            return replace(away, replacements=away.replacements | {parcel})
        case ReturnExpected(number=number, lines=lines):
            left = {line.line: line.quantity for line in lines}
            return _with(away, number, Expected(tuple(lines), left))
        case ReturnForgotten(number=number):
            return _with(away, number, replace(away.returns[number], forgotten=True))
        case ReturnReceived():
            return _received(away, event)
        case _:
            return away


def _received(away: Away, event: ReturnReceived) -> Away:
    known = away.returns[event.number]
    left = dict(known.left)
    for part in event.parts:
        left[part.line] -= part.sellable + part.scrapped
    named = {event.reference} if event.reference else set()
    known = replace(known, left=left, receipts=event.receipt, references=known.references | named)
    return _back(_with(away, event.number, known), came(event.parts))


def _back(away: Away, units: Mapping[str, int]) -> Away:
    less = {sku: quantity - units.get(sku, 0) for sku, quantity in away.units.items()}
    return replace(away, units=less)


def _with(away: Away, number: int, changed: Expected) -> Away:
    return replace(away, returns={**away.returns, number: changed})
