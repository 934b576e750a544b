"""What becomes of an order's units: kept once, sent once, and the same in all books."""

from __future__ import annotations

from collections.abc import Iterator

from domains.reconciliation.messages import CorrectParcel, CorrectStock
from projections.reconciliation.found import Found
from projections.reconciliation.obligations import Order


def sent_twice(order: Order) -> Iterator[Found]:
    shipping = order.get("shipping")
    if shipping is None:
        return
    for parcel, mark in shipping.named("ShipmentDispatched"):
        surplus = mark.count - 1 + shipping.money.get(f"twice:{parcel}", 0)
        if surplus > 0:
            yield Found(
                rule="shipment-doubled",
                said=f"parcel {parcel} has left {mark.count} times",
                since=shipping.time,
                part=parcel,
                remedy=CorrectParcel(parcel=int(parcel), surplus=surplus),
            )


def reserved_too_much(order: Order) -> Iterator[Found]:
    inventory, ordering = order.get("inventory"), order.get("ordering")
    if inventory is None or ordering is None:
        return
    ordered = ordering.sums("ordered", ordering.units)
    reserved = inventory.sums("reserved", inventory.units)
    kept = inventory.sums("kept", inventory.units)
    off = {sku: min(n - ordered.get(sku, 0), kept.get(sku, 0)) for sku, n in reserved.items()}
    less = {sku: -n for sku, n in off.items() if n > 0}
    if less:
        said = ", ".join(f"{-n} of {sku}" for sku, n in less.items())
        yield Found(
            rule="reserved-too-much",
            said=f"inventory keeps {said} more than was ordered",
            since=inventory.time,
            remedy=CorrectStock(kept=less, reserved=less),
        )


def books_of_inventory(order: Order) -> Iterator[Found]:
    """What an order's reservation keeps is what the SKUs count as reserved for it."""
    inventory = order.get("inventory")
    if inventory is None:
        return
    kept = inventory.sums("kept", inventory.units)
    counted = inventory.sums("counted", inventory.units)
    names = sorted({*kept, *counted})
    off = {sku: kept.get(sku, 0) - counted.get(sku, 0) for sku in names}
    off = {sku: n for sku, n in off.items() if n}
    if off:
        said = ", ".join(f"{kept.get(k, 0)} and {counted.get(k, 0)} of {k}" for k in off)
        yield Found(
            rule="reservation-and-stock-differ",
            said=f"the reservation and the SKUs say {said}",
            since=inventory.time,
            remedy=CorrectStock(reserved=off),
        )
