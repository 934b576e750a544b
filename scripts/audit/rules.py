"""What must hold of an order once nothing more of it is on its way: four books agree.

Each rule looks at sums, never at how they came about. So what was booked wrongly and then put right
is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from scripts.audit import came_back, settled_rules
from scripts.audit.events import units
from scripts.audit.finding import Finding
from scripts.audit.found import equal, finding, same
from scripts.audit.order import Order
from scripts.audit.sent import Parcel

Found = Iterator[Finding]


def findings(order: Order) -> Found:
    if not order.lives:
        yield from settled_rules.of_nobody(order)
        return
    if not order.ordered.state:
        said = "others tell of an order that ordering does not know"
        yield finding(order, "known to ordering", said)
        return
    for rules in (_ordered, _kept, _parcels, _told, _cancelled, _payments, _money):
        yield from rules(order)
    yield from came_back.findings(order)
    yield from settled_rules.findings(order)


def _ordered(order: Order) -> Found:
    """The order by itself."""
    ordered = order.ordered
    total = ordered.total
    yield from same(order, "an order's lines cost its total", total, ordered.worth)
    yield from same(order, "an order's payments are its total", total, ordered.promised)
    said, off = ordered.cancelled_value, ordered.cancelled_worth
    yield from same(order, "cancelled lines cost what was said", said, off)
    more = Counter(ordered.cancelled) - Counter(ordered.lines)
    yield from equal(order, "only what was ordered is cancelled, once", {}, more)


def _kept(order: Order) -> Found:
    """Ordering, inventory in both of its books, and shipping: of the order's units."""
    ordered, kept, left = order.ordered, order.kept, units(order.sent.left)
    ours, theirs = kept.reservation, kept.by_sku
    rule = "reservation and SKUs say the same of what is"
    yield from equal(order, f"{rule} kept", ours.held, theirs.held)
    yield from equal(order, f"{rule} there", ours.there, theirs.there)
    if kept.refused and ordered.state != "cancelled":
        yield finding(order, "what can't be had is cancelled", f"it is {ordered.state}")
    reserved = kept.reservation.units("reserved")
    wanted = units(ordered.lines)
    if kept.refused or (ordered.state == "cancelled" and not reserved):
        wanted.clear()
    wanted.update(units(ordered.back.replacing))
    yield from equal(order, "what was ordered was reserved", wanted, reserved)
    going = Counter(wanted)
    going.subtract(left)
    if wanted:
        going.subtract(units(ordered.cancelled))
    yield from equal(order, "what is still to leave is kept", going, kept.reservation.held)
    yield from equal(order, "what left was taken", left, kept.reservation.units("shipped"))


def _parcels(order: Order) -> Found:
    """Shipping, and what payments has made of each parcel."""
    planned: Counter[Any] = Counter()
    for number, parcel in order.sent.parcels.items():
        planned.update(parcel.planned)
        yield from _parcel(order, number, parcel)
    wanted = Counter(order.ordered.lines if order.ordered.confirmed else ())
    wanted.update(order.ordered.back.replacing)
    yield from equal(order, "what was confirmed was planned, in one parcel", wanted, planned)


def _parcel(order: Order, number: int, parcel: Parcel) -> Found:
    if parcel.left:
        rule = f"parcel {number} left once, as planned"
        yield from equal(order, rule, Counter(parcel.planned), Counter(parcel.left))
        rule = "a parcel is worth what was planned"
        yield from same(order, rule, parcel.planned_value, parcel.left_value)
    if parcel.left and parcel.called_off:
        yield finding(order, "a parcel leaves or is called off", f"parcel {number} did both")
    if parcel.settled and not parcel.left:
        yield finding(order, "what arrives has left", f"parcel {number} never left")
    charged = order.paid.charged.get(number, 0)
    rule = f"parcel {number} is charged as it left"
    yield from same(order, rule, parcel.left_value, charged)


def _told(order: Order) -> Found:
    """Whether ordering's state is what the parcels say."""
    state = order.ordered.state
    parcels = order.sent.parcels.values()
    going = [parcel for parcel in parcels if not parcel.called_off and not parcel.replacement]
    if not order.ordered.confirmed:
        return
    if state == "cancelled":
        if going:
            said = f"{len(going)} parcels were not called off"
            yield finding(order, "what is cancelled stays", said)
        return
    seen = "confirmed"
    if going and all(parcel.left for parcel in going):
        seen = _ended(going) if all(parcel.settled for parcel in going) else "shipped"
    if seen != state:
        yield finding(order, "an order is as far as its parcels", f"{state}, its parcels {seen}")


def _ended(parcels: Iterable[Parcel]) -> str:
    return "delivered" if any(parcel.delivered for parcel in parcels) else "undelivered"


def _cancelled(order: Order) -> Found:
    if not order.ordered.confirmed:
        return
    called_off: Counter[Any] = Counter()
    for parcel in order.sent.parcels.values():
        if parcel.called_off:
            called_off.update(parcel.planned)
    off = Counter(order.ordered.cancelled)
    yield from equal(order, "what was called off is cancelled", called_off, off)


def _payments(order: Order) -> Found:
    """Each payment by itself."""
    payments = order.paid.payments
    for number in sorted({*order.ordered.asked, *payments}):
        payment = payments.get(number)
        wanted, there = order.ordered.asked.get(number, 0), 0
        if payment is not None:
            there = payment.authorized + payment.settled if payment.answered else payment.asked
            if payment.declined and payment.answered:
                yield finding(order, "a payment has one answer", f"payment {number} has two")
            if min(payment.held, payment.kept) < 0:
                said = f"payment {number}: {payment.held} held, {payment.kept} kept"
                yield finding(order, "no more is taken or given back than there is", said)
            if payment.authorized:
                charged = payment.shared - payment.failed + payment.surplus
                rule = f"payment {number} gives what it was charged"
                yield from same(
                    order, rule, charged, payment.captured + payment.took - payment.gave
                )
        yield from same(order, f"payment {number} is what was asked for", wanted, there)


def _money(order: Order) -> Found:
    """What is kept is the value of what left and did not come back, but for what nobody has paid;
    what is held, of what can still leave."""
    if order.ordered.early:
        return
    paid, back = order.paid, order.ordered.back.value
    left, waiting = order.sent.left_value, order.sent.waiting_value
    wanted, got = left + waiting - back - paid.owed, paid.kept + paid.held
    rule = "the money there is is the parcels' value"
    # A payment that failed is short for what is still to leave, too; how much, only that tells.
    if not (waiting and wanted - min(waiting, paid.failed) <= got <= wanted):
        yield from same(order, rule, wanted, got)
    if paid.held > waiting:
        said = f"{paid.held} held for parcels worth {waiting}"
        yield finding(order, "no more is held than can still leave", said, paid.held - waiting)
    if not 0 <= paid.owed <= paid.failed:
        said = f"{paid.owed} owed, {paid.failed} failed"
        yield finding(order, "only what could not be taken is unpaid", said, paid.owed)
