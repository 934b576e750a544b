"""What inventory has told of one order, in its two books: the reservation's, and the SKUs'."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from scripts.audit.events import Event, units


@dataclass(slots=True)
class Book:
    """Units by SKU: all that was ever reserved, released and shipped."""

    reserved: Counter[str] = field(default_factory=Counter)
    released: Counter[str] = field(default_factory=Counter)
    shipped: Counter[str] = field(default_factory=Counter)

    @property
    def held(self) -> dict[str, int]:
        """What is kept now; below nothing where more was given up than kept."""
        skus = {**self.reserved, **self.released, **self.shipped}
        held = {sku: self.reserved[sku] - self.released[sku] - self.shipped[sku] for sku in skus}
        return {sku: many for sku, many in held.items() if many}


@dataclass(slots=True)
class Kept:
    refused: bool = False
    reservation: Book = field(default_factory=Book)
    by_sku: Book = field(default_factory=Book)

    def take(self, event: Event) -> None:
        """An event of the order's reservation."""
        match event.type:
            case "ReservationRefused":
                self.refused = True
            case "StockReserved":
                self.reservation.reserved.update(units(event.data["parts"]))
            case "StockReleased":
                self.reservation.released.update(units(event.data["parts"]))
            case "StockShipped":
                self.reservation.shipped.update(units(event.data["parts"]))

    def take_of_sku(self, event: Event) -> None:
        """An event of a SKU's stock that names the order."""
        sku, quantity = event.id, event.data["quantity"]
        match event.type:
            case "UnitsReserved":
                self.by_sku.reserved[sku] += quantity
            case "UnitsReleased":
                self.by_sku.released[sku] += quantity
            case "UnitsShipped":
                self.by_sku.shipped[sku] += quantity
