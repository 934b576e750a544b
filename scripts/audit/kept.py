"""What inventory has told of one order, in its two books: the reservation's, and the SKUs'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.audit.events import Event, name

OF_THE_RESERVATION: Mapping[str, str] = {
    "StockReserved": "reserved",
    "StockReleased": "released",
    "StockShipped": "shipped",
}
OF_A_SKU: Mapping[str, str] = {
    "UnitsReserved": "reserved",
    "UnitsReleased": "released",
    "UnitsShipped": "shipped",
}


class Book(dict[tuple[str, str], int]):
    """Units by what was done with them and SKU: all that was ever reserved, released, shipped."""

    def note(self, done: str, sku: str, quantity: int) -> None:
        at = done, name(sku)
        self[at] = self.get(at, 0) + quantity

    def units(self, done: str) -> Counter[str]:
        return Counter({sku: quantity for (what, sku), quantity in self.items() if what == done})

    @property
    def held(self) -> Counter[str]:
        """What is kept now; below nothing where more was given up than kept."""
        held = self.units("reserved")
        held.subtract(self.units("released"))
        held.subtract(self.units("shipped"))
        return held


@dataclass(slots=True)
class Kept:
    refused: bool = False
    reservation: Book = field(default_factory=Book)
    by_sku: Book = field(default_factory=Book)

    def take(self, event: Event) -> None:
        """An event of the order's reservation."""
        if event.type == "ReservationRefused":
            self.refused = True
        elif done := OF_THE_RESERVATION.get(event.type):
            for part in event.data["parts"]:
                self.reservation.note(done, part["sku"], part["quantity"])

    def take_of_sku(self, event: Event) -> None:
        """An event of a SKU's stock that names the order."""
        if done := OF_A_SKU.get(event.type):
            self.by_sku.note(done, event.id, event.data["quantity"])
