"""One SKU's units, as its stock has told of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scripts.audit.events import Event
from scripts.audit.finding import Finding


@dataclass(slots=True)
class Stock:
    sku: str
    received: int = 0
    written_off: int = 0
    shipped: int = 0
    reserved: int = 0
    returned: int = 0
    adjusted: int = 0

    def take(self, event: Event) -> None:
        if event.type == "StockAdjusted":
            self.adjusted += event.data["on_hand"]
            self.reserved += event.data["reserved"]
            return
        if event.type == "StockCounted":
            return
        quantity = event.data["quantity"]
        match event.type:
            case "StockReceived":
                self.received += quantity
            case "UnitsReturned":
                self.returned += quantity
            case "StockWrittenOff":
                self.written_off += quantity
            case "UnitsReserved":
                self.reserved += quantity
            case "UnitsReleased":
                self.reserved -= quantity
            case "UnitsShipped":
                self.reserved -= quantity
                self.shipped += quantity

    @property
    def on_hand(self) -> int:
        there = self.received + self.returned - self.written_off - self.shipped
        return there + self.adjusted

    def findings(self) -> Iterator[Finding]:
        if not 0 <= self.reserved <= self.on_hand:
            said = f"{self.on_hand} on hand, {self.reserved} reserved"
            missing = max(-self.reserved, self.reserved - self.on_hand)
            yield Finding("no more is reserved than there is", f"stock/{self.sku}", said, missing)
