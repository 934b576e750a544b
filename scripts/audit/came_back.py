"""What must hold of goods that came back, never arrived or were replaced: the books agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from scripts.audit.events import units
from scripts.audit.finding import Finding
from scripts.audit.found import equal, finding, same
from scripts.audit.order import Order

Found = Iterator[Finding]


def findings(order: Order) -> Found:
    for rules in (_returned, _given_back, _lost, _replaced):
        yield from rules(order)


def _returned(order: Order) -> Found:
    """Ordering and inventory, of each return."""
    back, kept = order.ordered.back, order.kept
    for number in sorted({*back.asked, *kept.expected}):
        rule = f"inventory expects return {number} as it was asked for"
        ours, theirs = back.asked.get(number, ()), kept.expected.get(number, ())
        yield from equal(order, rule, Counter(ours), Counter(theirs))
    asked: Counter[Any] = Counter()
    for number, found in back.asked.items():
        for line in found:
            asked[number, line._replace(quantity=1)] += line.quantity
    yield from equal(order, "no more comes back than was asked for", {}, back.accepted - asked)
    yield from equal(order, "what came back is accepted", kept.received, back.accepted)
    if back.expired != kept.forgotten:
        said = f"{sorted(back.expired)} expired, {sorted(kept.forgotten)} forgotten"
        yield finding(order, "what has expired is not expected", said)
    more = kept.reservation.units("returned") - kept.reservation.units("shipped")
    yield from equal(order, "no more comes back than left", {}, more)


def _given_back(order: Order) -> Found:
    back = order.ordered.back
    yield from same(order, "what comes back costs what was said", back.value, back.worth)
    yield from same(order, "what is to be given back is due", back.value, order.paid.due)
    booked = order.paid.set_off + order.paid.repaid
    yield from same(order, "what is due is booked", order.paid.due, booked)
    sold = {line.number: line.quantity for line in order.ordered.lines}
    more = back.refunded - Counter(sold)
    yield from equal(order, "a unit's value is given back once", {}, _named(more))
    paid = Counter(order.ordered.freight)
    yield from equal(
        order, "no more freight is given back than paid", {}, _named(back.freight - paid)
    )
    for line in sorted(sold):
        if back.refunded[line] == sold[line]:
            rule = f"all of line {line} came back, and all of its freight"
            yield from same(order, rule, paid[line], back.freight[line])


def _named(found: Counter[int]) -> Counter[str]:
    return Counter({f"line {line}": amount for line, amount in found.items()})


def _lost(order: Order) -> Found:
    """Ordering, shipping and inventory, of each parcel that did not arrive."""
    back, parcels = order.ordered.back, order.sent.parcels
    for number, parcel in parcels.items():
        if parcel.delivered + parcel.failed + parcel.lost > 1:
            yield finding(order, "a parcel has one end", f"parcel {number} has several")
        lines, came_back = back.lost.get(number, ((), parcel.failed))
        gone = parcel.planned if parcel.failed or parcel.lost else ()
        yield from equal(
            order,
            f"ordering knows what became of parcel {number}",
            Counter[Any](gone),
            Counter[Any](lines),
        )
        if came_back != parcel.failed:
            yield finding(order, "what comes back is told so", f"parcel {number} is not")
        here = units(parcel.planned) if parcel.failed else {}
        taken: Counter[str] = order.kept.taken_back.get(number, Counter())
        yield from equal(order, f"parcel {number} is on the shelf again", here, taken)
    if strange := sorted({*back.lost, *order.kept.taken_back} - {*parcels}):
        yield finding(order, "what is lost was planned", f"parcels {strange}")


def _replaced(order: Order) -> Found:
    """Ordering and shipping, of each further parcel."""
    back = order.ordered.back
    yield from equal(order, "what is exchanged is replaced", back.exchanged, back.requested)
    further = {n: p for n, p in order.sent.parcels.items() if p.replacement}
    left = {n for n, p in further.items() if p.left}
    arrived = {n for n, p in further.items() if p.delivered}
    wanted = {*back.replaced} - back.unavailable
    refused = order.kept.not_there
    for said, ours, theirs in (
        ("planned", wanted, {*further}),
        ("confirmed", wanted, back.confirmed),
        ("paid back where it can't be had", refused, back.unavailable),
        ("told to have left", left, back.left),
        ("told to have arrived", arrived, back.arrived),
    ):
        if ours != theirs:
            text = f"{sorted(ours)} expected, {sorted(theirs)} there"
            yield finding(order, f"each replacement is {said}", text)
