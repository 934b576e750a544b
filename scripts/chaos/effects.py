"""No effect without its cause: what several views show of an order, all as of one cut.

Each view is asked by itself; what they say of different services must fit together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Row = Mapping[str, Any]

SECURED = {"confirmed", "partly_shipped", "shipped", "delivered"}
"""States of an order whose payments all have been secured."""
GONE = {"dispatched", "delivered"}
"""States of a parcel that has left."""


class Seen(NamedTuple):
    """An order at a cut, as far as each view knows it; `stock` and `sold` units by SKU of its
    lines."""

    id: str
    order: Row | None
    payments: Row | None
    stock: Mapping[str, Row]
    sold: Mapping[str, int]


def uncaused(seen: Seen) -> Iterator[str]:
    """A sentence about each effect without its cause."""
    yield from _uncaused_payments(seen)
    yield from _unpaid(seen)
    yield from _unreserved(seen)


def _uncaused_payments(seen: Seen) -> Iterator[str]:
    """Payments are wanted when stock has been reserved, and captured when a parcel leaves."""
    payments = seen.payments["payments"] if seen.payments else ()
    if payments and seen.order is None:
        yield f"{seen.id} has payments, but there is no such order"
        return
    if payments and seen.order and seen.order["state"] == "placed":
        yield f"{seen.id} has payments, but does not want any yet"
    gone = seen.order is not None and any(p["state"] in GONE for p in seen.order["parcels"])
    if any(payment["captured"] for payment in payments) and not gone:
        yield f"a payment of {seen.id} is captured, but no parcel has left"


def _unpaid(seen: Seen) -> Iterator[str]:
    if seen.order is None or seen.order["state"] not in SECURED:
        return
    payments = seen.payments["payments"] if seen.payments else ()
    if sum(payment["amount"] for payment in payments) < seen.order["total"]:
        yield f"{seen.id} is {seen.order['state']}, but its payments are not there"
    if any(payment["answer"] not in ("authorized", "settled") for payment in payments):
        yield f"{seen.id} is {seen.order['state']}, but not all of its payments are secured"


def _unreserved(seen: Seen) -> Iterator[str]:
    """What is released was cancelled before; what is sold and not cancelled is reserved, or has
    left."""
    kept = {sku: row["reserved"] + row["shipped"] for sku, row in seen.stock.items()}
    for sku, units in seen.sold.items():
        if units > kept.get(sku, 0):
            yield f"{units} of {sku} are sold, but only {kept.get(sku, 0)} reserved or shipped"
    if seen.order is None or seen.order["state"] not in SECURED or seen.order["cancelled"]:
        return
    wanted: Counter[str] = Counter()
    for line in seen.order["lines"]:
        wanted[line["sku"]] += line["quantity"]
    for sku, units in wanted.items():
        if units > kept.get(sku, 0):
            yield f"{seen.id} is {seen.order['state']}, but its {units} of {sku} are not reserved"
