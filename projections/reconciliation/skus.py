"""What is known of a SKU: its price, and its units on the shelf."""

from __future__ import annotations

from collections.abc import Iterator

from domains.reconciliation.messages import CorrectStock
from projections.reconciliation import obligations
from projections.reconciliation.found import Found, Owed
from projections.reconciliation.obligations import Order


def price_noted(sku: Order) -> Iterator[Found]:
    """Ordering's copy of the catalog."""
    catalog, ordering = sku.get("catalog"), sku.get("ordering")
    if catalog is None:
        return
    price = catalog.text.get("price", "")
    noted = ordering.text.get("price", "") if ordering else ""
    if price != noted:
        mark = catalog.marks["last"]
        yield Found(
            rule="price-differs",
            said=f"catalog says {price or 'delisted'}, ordering {noted or 'nothing'}",
            since=mark.time,
            remedy=obligations.react_again("ordering", "catalog", mark.position),
            owed=Owed(domain="ordering", upstream="catalog", position=mark.position),
        )


def reserved_beyond_stock(sku: Order) -> Iterator[Found]:
    inventory = sku.get("inventory")
    if inventory is None:
        return
    on_hand, reserved = inventory.units.get("on_hand", 0), inventory.units.get("reserved", 0)
    if not 0 <= reserved <= on_hand:
        yield Found(
            rule="reserved-beyond-stock",
            said=f"{reserved} reserved, {on_hand} on hand",
            since=inventory.time,
        )


def not_conserved(sku: Order) -> Iterator[Found]:
    """What inventory says of its shelf when it is counted is what it has told of it before: all
    that was received and returned is on hand, was sent off or written off."""
    inventory = sku.get("inventory")
    if inventory is None or "events" not in inventory.text:
        return
    books, events = inventory.text["books"], inventory.text["events"]
    if books != events:
        yield Found(
            rule="units-not-conserved",
            said=f"the books said {books}, where all that was told of before comes to {events}",
            since=inventory.time,
        )


def count_differs(sku: Order) -> Iterator[Found]:
    """What was on the shelf, and what the books said at that moment. Books that don't add up by
    themselves say nothing."""
    inventory = sku.get("inventory")
    if inventory is None or "counted" not in inventory.text or any(not_conserved(sku)):
        return
    counted, books = int(inventory.text["counted"]), int(inventory.text["books"])
    if counted != books:
        yield Found(
            rule="count-differs",
            said=f"{counted} were counted, where the books said {books}",
            since=inventory.time,
            remedy=CorrectStock(on_hand={inventory.of.id: counted - books}),
        )
