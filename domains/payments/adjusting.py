"""Following the provider's report, where it says otherwise than the provider's answers.

What it took beyond our books pays what nobody has paid, and the rest is given back. What it did not
take is missing of what nothing has claimed yet, and then of the last parcels: that is claimed from
the order's other payments, as where a capture fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from bus.decider import Refused, Span, States
from bus.envelope import Key
from bus.messages import Command, Event
from domains.payments import capturing
from domains.payments.books import Books, Payment, Taken
from domains.payments.folding import evolve
from domains.payments.messages import (
    AdjustPayment,
    ParcelPart,
    PaymentAdjusted,
    SurplusBooked,
)
from domains.payments.payment import followed
from domains.payments.settlement import Settlement


class _Change(NamedTuple):
    """`surplus` is by reference."""

    parcels: Sequence[ParcelPart] = ()
    unclaimed: int = 0
    surplus: Mapping[str, int] = {}


def _keys(command: AdjustPayment) -> tuple[Key, Key]:
    return Key("payment", command.id), Key("settlement", command.id)


def adjust(command: AdjustPayment, states: States, now: datetime) -> Iterable[tuple[Key, Event]]:
    """Nothing, where the books have moved on since it was found, or the report has."""
    own, theirs = _keys(command)
    books, report = states[own], states[theirs]
    payment = books.payment(command.payment) if isinstance(books, Books) else None
    if payment is None:
        raise Refused("UnknownPayment", f"{command.id} has no payment {command.payment}.")
    if report.currency not in ("", books.currency):
        raise Refused("CurrencyMismatch", f"{command.id} is paid in {books.currency}.")
    differs = _differs(payment, report)
    if payment.moving or differs != (command.captured, command.refunded) or differs == (0, 0):
        return ()
    return [(own, event) for event in followed(books, _adjusted(command, books, payment, report))]


def _differs(payment: Payment, report: Settlement) -> tuple[int, int]:
    """How much more the provider says that it took, and paid back."""
    sums = {"captured": -payment.took, "refunded": -payment.gave}
    for movement in report.of(payment.number):
        sums[movement.kind] += movement.amount.amount
    return sums["captured"], sums["refunded"]


def _adjusted(
    command: AdjustPayment, books: Books, payment: Payment, report: Settlement
) -> Iterator[Event]:
    net = command.captured - command.refunded
    change = _more(books, payment, report, net) if net > 0 else _less(payment, -net)
    adjusted = PaymentAdjusted(
        payment=payment.number,
        type=payment.type,
        currency=books.currency,
        captured=command.captured,
        refunded=command.refunded,
        parcels=[*change.parcels],
        unclaimed=change.unclaimed,
        rule=command.rule,
        divergence_id=command.divergence_id,
    )
    yield adjusted
    for reference, amount in change.surplus.items():
        yield SurplusBooked(
            payment=payment.number,
            amount=books.money(amount),
            rule=command.rule,
            divergence_id=command.divergence_id,
            reference=reference,
        )
    yield from _claims(adjusted, books)


def _more(books: Books, payment: Payment, report: Settlement, net: int) -> _Change:
    strays = _strays(payment, report, net)
    own = net - sum(strays.values())
    if own and not payment.reference:
        raise Refused("NothingTaken", f"Payment {payment.number} has nothing to be given back of.")
    pays = min(own, books.unpaid)
    parcels = [ParcelPart(parcel=max(books.parcels), amount=pays)] if pays else []
    waits = books.to_come - sum(each.remaining for each in books.payments)
    unclaimed = min(own - pays, payment.short, max(0, waits))
    back = own - pays - unclaimed
    return _Change(parcels, unclaimed, {**strays, payment.reference: back} if back else strays)


def _strays(payment: Payment, report: Settlement, net: int) -> Mapping[str, int]:
    """As much of `net` as was taken, and not paid back, under other references than its own."""
    kept: dict[str, int] = {}
    for movement in report.of(payment.number):
        sign = 1 if movement.kind == "captured" else -1
        before = kept.get(movement.reference, 0)
        kept[movement.reference] = before + sign * movement.amount.amount
    strays = {}
    for reference in sorted(kept):
        part = min(kept[reference], net) if reference != payment.reference else 0
        if part > 0:
            strays[reference] = part
            net -= part
    return strays


def _less(payment: Payment, short: int) -> _Change:
    free = min(short, payment.remaining) if isinstance(payment.standing, Taken) else 0
    left = short - free
    if left > payment.refundable:
        raise Refused("NothingTaken", f"Parcels have taken less of payment {payment.number}.")
    parcels = []
    for parcel in sorted(payment.charged, reverse=True):
        part = min(left, payment.charged[parcel])
        if part > 0:
            parcels.append(ParcelPart(parcel=parcel, amount=-part))
            left -= part
    return _Change(parcels, -free)


def _claims(adjusted: PaymentAdjusted, books: Books) -> Iterator[Event]:
    """What parcels have lost is claimed elsewhere, or stays unpaid."""
    after = evolve(books, adjusted)
    for part in adjusted.parcels:
        if part.amount < 0 and isinstance(after, Books):
            claims = capturing.claimed_elsewhere(part.parcel, -part.amount, adjusted.payment, after)
            yield from claims
            for claim in claims:
                after = evolve(after, claim)


SPANS: Mapping[type[Command], Span] = {AdjustPayment: Span(_keys, adjust)}
