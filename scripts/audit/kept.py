"""What inventory has told of one order, in its two books: the reservation's, and the SKUs'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.audit.events import Event, Line, lines, name

OF_THE_RESERVATION: Mapping[str, str] = {
    "StockReserved": "reserved",
    "StockReleased": "released",
    "StockShipped": "shipped",
    "ReplacementReserved": "reserved",
    "ParcelTakenBack": "returned",
}
OF_A_SKU: Mapping[str, str] = {
    "UnitsReserved": "reserved",
    "UnitsReleased": "released",
    "UnitsShipped": "shipped",
    "UnitsReturned": "returned",
    "StockWrittenOff": "scrapped",
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

    @property
    def there(self) -> Counter[str]:
        """How much more of it is on hand than before the order, or less."""
        there = self.units("returned")
        there.update(self.units("adjusted"))
        there.subtract(self.units("shipped"))
        there.subtract(self.units("scrapped"))
        return there


@dataclass(slots=True)
class Kept:
    refused: bool = False
    reservation: Book = field(default_factory=Book)
    by_sku: Book = field(default_factory=Book)
    expected: dict[int, tuple[Line, ...]] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    not_there: set[int] = field(default_factory=set)
    received: Counter[tuple[int, Line]] = field(default_factory=Counter)
    taken_back: dict[int, Counter[str]] = field(default_factory=dict)
    """By return or by parcel; `received` units are counted by return and line, each as one unit."""

    def take(self, event: Event) -> None:
        """An event of the order's reservation."""
        if event.type == "ReservationRefused":
            self.refused = True
        elif done := OF_THE_RESERVATION.get(event.type):
            for part in event.data["parts"]:
                self.reservation.note(done, part["sku"], part["quantity"])
        elif event.type == "ReservationAdjusted":
            for sku, quantity in event.data["kept"].items():
                self.reservation.note("reserved", sku, quantity)
        self._take_back(event)

    def _take_back(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "ReturnExpected":
                self.expected[data["number"]] = lines(data["lines"])
            case "ReplacementRefused":
                self.not_there.add(data["parcel"])
            case "ReturnForgotten":
                self.forgotten.add(data["number"])
            case "ParcelTakenBack":
                taken = self.taken_back.setdefault(data["parcel"], Counter())
                for part in data["parts"]:
                    taken[part["sku"]] += part["quantity"]
            case "ReturnReceived":
                for part in data["parts"]:
                    quantity = part["sellable"] + part["scrapped"]
                    self.reservation.note("returned", part["sku"], quantity)
                    self.reservation.note("scrapped", part["sku"], part["scrapped"])
                    unit = Line(part["line"], name(part["sku"]), 1)
                    self.received[data["number"], unit] += quantity

    def take_of_sku(self, event: Event) -> None:
        """An event of a SKU's stock that names the order."""
        if done := OF_A_SKU.get(event.type):
            self.by_sku.note(done, event.id, event.data["quantity"])
        elif event.type == "StockAdjusted":
            self.by_sku.note("reserved", event.id, event.data["reserved"])
            self.by_sku.note("adjusted", event.id, event.data["on_hand"])
