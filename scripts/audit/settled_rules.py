"""What must hold of an order whose money a provider's report tells all of: both say the same.

Nothing is held against an answer of the provider's that is still to come.
"""

from __future__ import annotations

from collections.abc import Iterator

from scripts.audit.finding import Finding
from scripts.audit.found import finding, same
from scripts.audit.order import Order
from scripts.audit.paid import Payment

Found = Iterator[Finding]


def findings(order: Order) -> Found:
    paid, settled = order.paid, order.settled
    if not settled.covers(paid.first, paid.last):
        return
    if settled.currency not in ("", order.ordered.currency):
        said = f"ordered in {order.ordered.currency}, and in {settled.currency} at the provider"
        yield finding(order, "an order has one currency", said)
    taken, back = settled.sums("captured"), settled.sums("refunded")
    for number in sorted({*paid.payments, *taken, *back}):
        payment = paid.payments.get(number, Payment())
        if payment.awaited > 0:
            continue
        if number not in paid.payments:
            kept = taken.get(number, 0) - back.get(number, 0)
            yield from same(order, "nothing is kept that nobody asked for", 0, kept)
            continue
        rule = f"the provider took of payment {number} what we say"
        yield from same(order, rule, payment.all_taken, taken.get(number, 0))
        rule = f"the provider paid back of payment {number} what we say"
        yield from same(order, rule, payment.all_paid_back, back.get(number, 0))


def of_nobody(order: Order) -> Found:
    """The provider has told of it, and nobody else."""
    if kept := order.settled.kept:
        said = f"the provider has kept {kept} for an order that nobody knows"
        of, currency = f"order/{order.id}", order.settled.currency
        yield Finding("known to ordering", of, said, abs(kept), currency)
