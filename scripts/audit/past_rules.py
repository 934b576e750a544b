"""What must hold of an order of the past, by sums.

Its books were kept elsewhere and need not agree: each that doesn't is a finding until an entry puts
it right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.audit.events import units
from scripts.audit.finding import Finding
from scripts.audit.order import Order
from scripts.audit.past import Past

Found = Iterator[Finding]
ALL = {"order", "payment", "shipment"}
"""Who tells of every order; inventory only where something left."""


def findings(order: Order) -> Found:
    past, of = order.past, f"order/{order.id}"
    if past is None:
        return
    if order.lives:
        yield Finding("an order lives or is past", of, "living services have told of it, too")
    if "order" not in past.told:
        said = "others remember an order that ordering does not know"
        yield Finding("known to ordering", of, said)
        return
    if missing := ALL - past.told:
        said = f"nothing was told of its {', '.join(sorted(missing))}"
        yield Finding("all services remember the same orders", of, said)
        return
    for rule in (_sums, _parcels, _as_far, _entries, _money):
        yield from rule(past, of)


def _sums(past: Past, of: str) -> Found:
    yield from _same(past, of, "an order's lines cost its total", past.said, past.worth)
    yield from _same(past, of, "an order's payments are their total", past.paid, past.kept)


def _parcels(past: Past, of: str) -> Found:
    sent = Counter(line for parcel in past.parcels for line in parcel.lines)
    yield from _equal(of, "every line is in one parcel", Counter(past.lines), sent)
    for number, parcel in enumerate(past.parcels, 1):
        worth = sum(past.values.get(line.number, 0) for line in parcel.lines)
        rule = f"parcel {number} is worth its lines"
        yield from _same(past, of, rule, worth, parcel.value)
    left = units(line for parcel in past.parcels if parcel.left for line in parcel.lines)
    yield from _equal(of, "what left was taken", left, past.taken)


def _as_far(past: Past, of: str) -> Found:
    """What was cancelled may have left all the same; then it counts as cancelled."""
    if past.state == "cancelled" or not past.parcels:
        return
    seen = {parcel.state for parcel in past.parcels}
    wanted = {"shipped": {"dispatched"}, "delivered": {"delivered"}}.get(past.state, {"planned"})
    if seen != wanted:
        said = f"{past.state}, its parcels {', '.join(sorted(seen))}"
        yield Finding("an order is as far as its parcels", of, said)


def _entries(past: Past, of: str) -> Found:
    for entry, times in past.entries.items():
        if times > 1:
            yield Finding("an order is settled once", of, f"{entry} {times} times")


def _money(past: Past, of: str) -> Found:
    """One finding an order at most: the first of these that it is."""
    if past.state == "cancelled":
        rule = "nothing is kept for what was cancelled"
    elif not past.lines:
        rule = "nothing is kept for no lines"
    elif not past.kept:
        rule = "nothing is given for nothing"
    else:
        rule = "what is kept is what the order cost"
    yield from _same(past, of, rule, past.due, past.kept)


def _same(past: Past, of: str, rule: str, wanted: int, got: int) -> Found:
    if wanted != got:
        said = f"{wanted} expected, {got} there"
        yield Finding(rule, of, said, abs(wanted - got), past.currency)


def _equal(of: str, rule: str, wanted: Mapping[Any, int], got: Mapping[Any, int]) -> Found:
    off = {name for name in {*wanted, *got} if wanted.get(name, 0) != got.get(name, 0)}
    if off:
        said = "; ".join(
            sorted(f"{name}: {wanted.get(name, 0)} expected, {got.get(name, 0)}" for name in off)
        )
        amount = sum(abs(wanted.get(name, 0) - got.get(name, 0)) for name in off)
        yield Finding(rule, of, f"{said} there", amount)
