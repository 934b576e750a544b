"""What becomes of an order's units: kept once, sent once, and the same in all books."""

from __future__ import annotations

from collections.abc import Iterator

from domains.reconciliation.messages import CallOffParcel, CorrectParcel, CorrectStock
from projections.reconciliation.found import Found
from projections.reconciliation.obligations import Order
from projections.reconciliation.slots import Facts

OFF = ("ShipmentCalledOff", "ParcelWithdrawn")


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
    """What an order's reservation keeps is what the SKUs count as reserved for it; what it has sent
    off and got back is what they have less or more on hand."""
    inventory = order.get("inventory")
    if inventory is None:
        return
    reserved = _off(inventory, "kept", "counted")
    on_hand = _off(inventory, "there", "counted_there")
    if reserved or on_hand:
        off = [f"{n} of {sku} kept" for sku, n in reserved.items()]
        off += [f"{n} of {sku} on hand" for sku, n in on_hand.items()]
        yield Found(
            rule="reservation-and-stock-differ",
            said=f"where the SKUs are short, or have too much: {', '.join(off)}",
            since=inventory.time,
            remedy=CorrectStock(on_hand=on_hand, reserved=reserved),
        )


def _off(inventory: Facts, ours: str, theirs: str) -> dict[str, int]:
    """How much more of each SKU the reservation says than the SKU itself."""
    said, counted = inventory.sums(ours, inventory.units), inventory.sums(theirs, inventory.units)
    off = {k: said.get(k, 0) - counted.get(k, 0) for k in sorted({*said, *counted})}
    return {sku: n for sku, n in off.items() if n}


def planned_twice(order: Order) -> Iterator[Found]:
    """A line goes with one parcel: with the first, or with the one that has left."""
    shipping = order.get("shipping")
    if shipping is None:
        return
    parcels: dict[str, list[str]] = {}
    for name in shipping.sums("planned", shipping.units):
        line, _, parcel = name.partition(".")
        if not any(shipping.count(f"{gone}:{parcel}") for gone in OFF):
            parcels.setdefault(line, []).append(parcel)
    surplus = {each: line for line, all in parcels.items() for each in _beside(all, shipping)}
    for parcel, line in surplus.items():
        yield Found(
            rule="line-planned-twice",
            said=f"line {line} goes with parcels {' and '.join(parcels[line])}",
            since=shipping.time,
            part=parcel,
            remedy=CallOffParcel(parcel=int(parcel)),
        )


def _beside(parcels: list[str], shipping: Facts) -> list[str]:
    def rank(parcel: str) -> tuple[bool, int]:
        return not shipping.count(f"ShipmentDispatched:{parcel}"), int(parcel)

    return sorted(parcels, key=rank)[1:]
