"""What had left comes back: a customer's return, or a parcel that nobody took in.

Written in one transaction on the order's reservation and on the stock of each SKU.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bus.decider import NotYet, Refused, Span, States, Unknown
from bus.envelope import Key
from bus.messages import Command
from domains.inventory.away import Away, Expected, came, counted, pairs
from domains.inventory.messages import (
    ExpectReturn,
    ForgetReturn,
    ParcelTakenBack,
    Part,
    ReceivedPart,
    ReceiveReturn,
    ReplacementRefused,
    ReplacementReserved,
    ReserveReplacement,
    ReturnedPart,
    ReturnExpected,
    ReturnForgotten,
    ReturnReceived,
    StockWrittenOff,
    TakeBack,
    UnitsReserved,
    UnitsReturned,
)
from domains.inventory.reservation import (
    Kept,
    Written,
    moves,
    reservation_key,
    shortfalls,
    stock_key,
)


def _reads(command: ReceiveReturn | TakeBack | ReserveReplacement) -> Iterable[Key]:
    yield reservation_key(command.id)
    for part in command.parts:
        yield stock_key(part.sku)


def _reads_one(command: ExpectReturn | ForgetReturn) -> Iterable[Key]:
    yield reservation_key(command.id)


def _away(order_id: str, states: States) -> Away | None:
    """None where nothing was ever kept for the order."""
    kept = states[reservation_key(order_id)]
    return kept.away if isinstance(kept, Kept) else None


def expect(command: ExpectReturn, states: States, now: datetime) -> Written:
    away = _away(command.id, states)
    if away is None or command.number in away.returns:
        return ()
    expected = ReturnExpected(number=command.number, lines=command.lines)
    return [(reservation_key(command.id), expected)]


def forget(command: ForgetReturn, states: States, now: datetime) -> Written:
    away = _away(command.id, states)
    known = away.returns.get(command.number) if away is not None else None
    if known is None or known.forgotten:
        return ()
    return [(reservation_key(command.id), ReturnForgotten(number=command.number))]


def receive(command: ReceiveReturn, states: States, now: datetime) -> Written:
    away = _away(command.id, states) or Away()
    known = _expected(command, away)
    if command.reference and command.reference in known.references:
        return ()
    if known.forgotten:
        raise Refused("ReturnExpired", f"Return {command.number} of {command.id} has expired.")
    parts = _sorted(command, known)
    _had_left(command, away, parts)
    units = [Part(sku=sku, quantity=quantity) for sku, quantity in came(parts).items()]
    return [
        *moves(command.id, units, UnitsReturned),
        *_scrapped(command, parts),
        (reservation_key(command.id), _received(command, known, parts)),
    ]


def _expected(command: ReceiveReturn, away: Away) -> Expected:
    known = away.returns.get(command.number)
    if known is None:  # it may have been asked for a moment ago
        message = f"Order {command.id} has no return {command.number}."
        raise NotYet("ordering", Unknown("UnknownReturn", message))
    return known


def _sorted(command: ReceiveReturn, known: Expected) -> list[ReceivedPart]:
    """The parts by the return's lines. Raises Refused where more came than was asked back."""
    left = dict(known.left)
    found = [one for part in command.parts for one in _filled(command, part, known, left)]
    if not found:
        raise Refused("NothingReceived", "A receipt needs at least one unit.")
    by_line: dict[int, ReceivedPart] = {}
    for one in found:
        was = by_line.get(one.line)
        by_line[one.line] = one if was is None else _sum(was, one)
    return list(by_line.values())


def _filled(
    command: ReceiveReturn, part: ReturnedPart, known: Expected, left: dict[int, int]
) -> Iterable[ReceivedPart]:
    """Takes the part's units from what is `left` of the lines that it can be of."""
    sellable, scrapped = part.sellable, part.scrapped
    for line in known.lines:
        if line.sku != part.sku or part.line not in (None, line.line):
            continue
        whole = min(sellable, left[line.line])
        broken = min(scrapped, left[line.line] - whole)
        if whole + broken:
            left[line.line] -= whole + broken
            sellable, scrapped = sellable - whole, scrapped - broken
            yield ReceivedPart(line=line.line, sku=part.sku, sellable=whole, scrapped=broken)
    if more := sellable + scrapped:
        message = f"{more} of {part.sku} more than return {command.number} still expects."
        raise Refused("TooManyReturned", message, sku=part.sku, line=part.line, too_many=more)


def _sum(one: ReceivedPart, other: ReceivedPart) -> ReceivedPart:
    return ReceivedPart(
        line=one.line,
        sku=one.sku,
        sellable=one.sellable + other.sellable,
        scrapped=one.scrapped + other.scrapped,
    )


def _had_left(command: ReceiveReturn, away: Away, parts: Iterable[ReceivedPart]) -> None:
    for sku, quantity in came(parts).items():
        if quantity > away.units.get(sku, 0):  # we may not have heard of all that left
            message = f"Not so many of {sku} have left for {command.id}."
            raise NotYet("shipping", Refused("NotShipped", message, sku=sku, wanted=quantity))


def _scrapped(command: ReceiveReturn, parts: Iterable[ReceivedPart]) -> Written:
    reason = f"return {command.number} of {command.id}"
    return [
        (
            stock_key(part.sku),
            StockWrittenOff(quantity=part.scrapped, reason=reason, order_id=command.id),
        )
        for part in parts
        if part.scrapped
    ]


def _received(command: ReceiveReturn, known: Expected, parts: list[ReceivedPart]) -> ReturnReceived:
    here = sum(part.sellable + part.scrapped for part in parts)
    return ReturnReceived(
        number=command.number,
        receipt=known.receipts + 1,
        reference=command.reference,
        parts=parts,
        complete=here == sum(known.left.values()),
    )


def take_back(command: TakeBack, states: States, now: datetime) -> Written:
    away = _away(command.id, states)
    if away is None or command.parcel in away.back:
        return ()
    parts = _at_most(command.parts, away.units)
    taken = ParcelTakenBack(parcel=command.parcel, parts=parts)
    return [*moves(command.id, parts, UnitsReturned), (reservation_key(command.id), taken)]


def _at_most(parts: Iterable[Part], units: Mapping[str, int]) -> list[Part]:
    """No more comes back than has left."""
    wanted = counted(pairs(parts)).items()
    return [Part(sku=sku, quantity=n) for sku, q in wanted if (n := min(q, units.get(sku, 0)))]


def replace_units(command: ReserveReplacement, states: States, now: datetime) -> Written:
    key, away = reservation_key(command.id), _away(command.id, states)
    if away is None or command.parcel in away.replacements:
        return ()
    if short := shortfalls(command.parts, states):
        return [(key, ReplacementRefused(parcel=command.parcel, shortfalls=short))]
    reserved = ReplacementReserved(parcel=command.parcel, parts=command.parts)
    return [*moves(command.id, command.parts, UnitsReserved), (key, reserved)]


SPANS: Mapping[type[Command], Span] = {
    ExpectReturn: Span(_reads_one, expect),
    ForgetReturn: Span(_reads_one, forget),
    ReceiveReturn: Span(_reads, receive),
    TakeBack: Span(_reads, take_back),
    ReserveReplacement: Span(_reads, replace_units),
}
