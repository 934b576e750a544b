"""What does not agree of orders that were played elsewhere: in their money, and in their course.

Nothing is said of an order until ordering, payments and shipping have all told of it: an import
that was stopped between two of them is no divergence, it is run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from bus.messages import Money
from domains.reconciliation.messages import (
    AcceptPastCourse,
    AdjustPastPayments,
    ClosePastOrder,
    Remedy,
)
from projections.reconciliation.found import Found
from projections.reconciliation.slots import Facts

ENDS = ("delivered", "cancelled")
UNFINISHED = ("created", "placed", "approved", "confirmed", "processing", "invoiced", "shipped")
"""How far an order came, as it was called there; any other word gives way to its state."""
FACTS: Mapping[str, str] = {
    "ordering": "PastOrderRecorded",
    "payments": "PastPaymentsRecorded",
    "shipping": "PastShipmentsRecorded",
}


class PastOrder(NamedTuple):
    """Amounts in minor units of `currency`: what the lines cost, what was paid for them, and what
    is kept of it by all entries. `since` is when the last service told of it."""

    ordering: Facts
    payments: Facts
    shipping: Facts
    since: datetime

    @property
    def state(self) -> str:
        return self.ordering.text["state"]

    @property
    def worth(self) -> int:
        return self.ordering.money["worth"]

    @property
    def paid(self) -> int:
        return self.payments.money["paid"]

    @property
    def kept(self) -> int:
        return self.paid + self.payments.money.get("adjusted", 0)

    @property
    def left(self) -> bool:
        return self.shipping.units["left"] > 0 or self.state in ("shipped", "delivered")

    def time(self, what: str) -> str:
        """As sortable text; "" where nobody wrote it down."""
        return self.ordering.text.get(what, "") or self.shipping.text.get(what, "")

    def money(self, amount: int) -> Money:
        return Money(amount, self.ordering.currency)


def found(order: Mapping[str, Facts]) -> Iterator[Found]:
    if all(domain in order and order[domain].count(fact) for domain, fact in FACTS.items()):
        since = max(order[domain].marks[fact].time for domain, fact in FACTS.items())
        past = PastOrder(order["ordering"], order["payments"], order["shipping"], since)
        yield from money(past)
        yield from course(past)


def money(past: PastOrder) -> Iterator[Found]:
    """One rule an order at most: the first that fits."""
    due = _due(past)
    if past.kept != due:
        yield Found(
            rule=_rule(past),
            said=f"{past.kept} is kept, where {due} should be",
            since=past.since,
            amount=past.money(abs(past.kept - due)),
            remedy=AdjustPastPayments(kept=past.money(due)),
        )


def _due(past: PastOrder) -> int:
    """What should be kept: nothing for what was cancelled, nor for what nobody has to have paid
    yet."""
    early = past.state == "placed" and not past.kept
    return 0 if past.state == "cancelled" or early else past.worth


def _rule(past: PastOrder) -> str:
    """Of what is not what it should be."""
    off = past.kept - past.worth
    if past.state == "cancelled":
        return "past-money-kept-for-cancelled"
    if not past.ordering.units["lines"]:
        return "past-paid-without-items"
    if not past.kept:
        return "past-items-without-payment"
    if abs(off) <= past.payments.units["payments"]:
        return "past-rounding"
    return "past-overpaid" if off > 0 else "past-underpaid"


def course(past: PastOrder) -> Iterator[Found]:
    """Each by itself, whatever the money is; what it comes to is what was paid for the order."""
    accepted = {rule for rule, _ in past.ordering.named("PastCourseAccepted")}
    for rule, said in _odd(past):
        if rule not in accepted:
            yield _in_course(past, rule, said, AcceptPastCourse())
    if past.state not in ENDS and not past.ordering.count("PastOrderClosed"):
        status = past.ordering.text["status"]
        word = status if status in UNFINISHED else past.state
        said = f"{word} is the last that is known of it"
        yield _in_course(past, f"past-never-finished-{word}", said, ClosePastOrder())


def _odd(past: PastOrder) -> Iterator[tuple[str, str]]:
    approved, dispatched = past.time("approved"), past.time("dispatched")
    if past.state == "delivered" and past.shipping.units["undated"]:
        yield "past-no-carrier-date", "delivered, and nobody knows when it left"
    if past.state == "delivered" and not past.time("delivered"):
        yield "past-no-delivery-date", "delivered, and nobody knows when"
    if dispatched and approved and dispatched < approved:
        yield "past-left-before-approval", f"left at {dispatched}, approved at {approved}"
    if past.left and not approved:
        yield "past-left-without-approval", "it left, and was never approved"


def _in_course(past: PastOrder, rule: str, said: str, remedy: Remedy) -> Found:
    amount = past.money(past.paid)
    return Found(rule=rule, said=said, since=past.since, amount=amount, remedy=remedy)


BOOKS = "payments books the difference; nobody is asked or paid"
TAKEN = "ordering takes its course as it was told"
NAMED: tuple[tuple[str, str, str], ...] = (
    ("past-money-kept-for-cancelled", "an order of the past was cancelled, and paid", BOOKS),
    ("past-paid-without-items", "an order of the past was paid, and has no items", BOOKS),
    ("past-items-without-payment", "an order of the past has items, and nobody paid", BOOKS),
    ("past-rounding", "it was paid too much or too little, by a cent a payment at most", BOOKS),
    ("past-overpaid", "more was paid for an order of the past than it cost", BOOKS),
    ("past-underpaid", "less was paid for an order of the past than it cost", BOOKS),
    ("past-no-carrier-date", "it was delivered, and nobody knows when it left", TAKEN),
    ("past-no-delivery-date", "it was delivered, and nobody knows when", TAKEN),
    ("past-left-before-approval", "it left before it was approved", TAKEN),
    ("past-left-without-approval", "it left and was never approved", TAKEN),
    *(
        (f"past-never-finished-{word}", f"{word} is the last of it", "ordering closes it")
        for word in UNFINISHED
    ),
)
"""Each rule, what it means, and what makes it right."""
