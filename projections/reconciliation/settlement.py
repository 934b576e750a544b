"""The provider's settlement report against payments' books: the same money, payment by payment.

A report says nothing of an order whose money has moved after it. And what the provider still owes
an answer on is late: payments asks again until it knows. Only where that takes longer than a day is
there something for a person to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from bus.messages import Money
from domains.reconciliation.messages import CorrectPayment
from projections.reconciliation.found import Found
from projections.reconciliation.obligations import Order
from projections.reconciliation.settling import Book, Settling

MISSING_HERE = "settlement-missing-here"
MISSING_THERE = "settlement-missing-there"
DIFFERS = "settlement-differs"
TWICE = "charged-twice"
UNKNOWN = "settlement-of-unknown-order"
ANSWERED = timedelta(days=1)
"""Within that the provider has answered everything, even after an outage."""


def differs(order: Order) -> Iterator[Found]:
    told = order["payments"].settling if "payments" in order else None
    if told is None or told.told is None or not told.settled or _past(order):
        return
    if _unknown(order):
        yield from _of_nobody(told, told.told)
        return
    acted = order["payments"].time
    for payment in sorted({*told.ours, *told.theirs}, key=int):
        ours, theirs = told.ours.get(payment), told.theirs.get(payment, Book())
        if ours is None:
            yield from _unheard_of(told, payment, theirs, max(told.told, acted))
        elif _sums(ours) != _sums(theirs) or (_in(told) and theirs != Book()):
            yield from _differing(told, payment, (ours, theirs), acted)


def _past(order: Order) -> bool:
    """What was paid elsewhere is none of this provider's news."""
    return any(
        order[domain].count(event)
        for domain, event in (
            ("ordering", "PastOrderRecorded"),
            ("payments", "PastPaymentsRecorded"),
        )
        if domain in order
    )


def _unknown(order: Order) -> bool:
    return all(domain == "payments" and not facts.marks for domain, facts in order.items())


def _of_nobody(told: Settling, since: datetime) -> Iterator[Found]:
    kept = sum(sum(book.captured) - sum(book.refunded) for book in told.theirs.values())
    if kept:
        yield Found(
            rule=UNKNOWN,
            said=f"the provider has kept {kept} for an order that nobody knows",
            since=since,
            amount=Money(abs(kept), told.reported_in),
        )


def _unheard_of(told: Settling, payment: str, theirs: Book, since: datetime) -> Iterator[Found]:
    """Of a payment that payments never asked for: once it is paid back, that is right."""
    kept = sum(theirs.captured) - sum(theirs.refunded)
    if kept:
        yield Found(
            rule=MISSING_HERE,
            said=f"the provider has kept {kept} of payment {payment}, which nobody has asked for",
            since=since,
            part=payment,
            amount=Money(abs(kept), told.reported_in),
        )


def _differing(
    told: Settling, payment: str, books: tuple[Book, Book], acted: datetime
) -> Iterator[Found]:
    ours, theirs = books
    since = max(told.told or acted, acted)
    captured, refunded = (a - b for a, b in zip(_sums(theirs), _sums(ours), strict=True))
    remedy: CorrectPayment | None
    remedy = CorrectPayment(payment=int(payment), captured=captured, refunded=refunded)
    if told.awaited.get(payment, 0) > 0:
        since, remedy = max(told.moved or acted, acted) + ANSWERED, None
    if _in(told):
        remedy = None
    took, gave = _sums(theirs)
    yield Found(
        rule=DIFFERS if _in(told) else _rule(ours, theirs),
        said=(
            f"payment {payment}: the provider took {took} and paid back {gave}"
            f"{_in(told)}, our books say {sum(ours.captured)} and {sum(ours.refunded)}"
        ),
        since=since,
        part=payment,
        amount=Money(max(abs(captured), abs(refunded)), told.currency),
        remedy=remedy,
    )


def _in(told: Settling) -> str:
    """The currency, where it is another one."""
    return "" if told.reported_in in ("", told.currency) else f" in {told.reported_in}"


def _sums(book: Book) -> tuple[int, int]:
    return sum(book.captured), sum(book.refunded)


def _rule(ours: Book, theirs: Book) -> str:
    """By the movements that only one of the two has."""
    here, there = [*_only(ours, theirs)], [*_only(theirs, ours)]
    if here and there:
        return DIFFERS
    if here:
        return MISSING_THERE
    again = all(kind == "captured" and amount in ours.captured for kind, amount in there)
    return TWICE if there and again else MISSING_HERE


def _only(one: Book, other: Book) -> Iterator[tuple[str, int]]:
    for amount in Counter(one.captured) - Counter(other.captured):
        yield "captured", amount
    for amount in Counter(one.refunded) - Counter(other.refunded):
        yield "refunded", amount
