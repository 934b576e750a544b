"""What ordering has told of one order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scripts.audit.events import Data, Event, units, value

STATES: Mapping[str, str] = {
    "OrderPlaced": "placed",
    "PaymentRequested": "paying",
    "OrderConfirmed": "confirmed",
    "OrderShipped": "shipped",
    "OrderDelivered": "delivered",
    "OrderCancelled": "cancelled",
}


@dataclass(slots=True)
class Ordered:
    """Amounts are in minor units. `lines`: each line's SKU, units and value by its number;
    `cancelled` the same lines as far as they were called off; `asked` the amount of each payment
    that was asked for."""

    state: str = ""
    confirmed: bool = False
    unavailable: bool = False
    currency: str = ""
    total: int = 0
    promised: int = 0
    lines: Counter[tuple[int, str, int, int]] = field(default_factory=Counter)
    cancelled: Counter[tuple[int, str, int, int]] = field(default_factory=Counter)
    cancelled_value: int = 0
    asked: dict[int, int] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        data = event.data
        self.state = STATES.get(event.type, self.state)
        match event.type:
            case "OrderPlaced":
                self.currency, self.total = data["total"]["currency"], data["total"]["amount"]
                self.promised = sum(payment["amount"]["amount"] for payment in data["payments"])
                self.lines.update(_lines(data["lines"]))
            case "PaymentRequested":
                for payment in data["payments"]:
                    self.asked[payment["payment"]] = payment["amount"]["amount"]
            case "OrderConfirmed":
                self.confirmed = True
            case "LinesCancelled" | "OrderCancelled":
                self.unavailable = data.get("cause") == "unavailable"
                self.cancelled.update(_lines(data["lines"]))
                self.cancelled_value += data["value"]["amount"]

    @property
    def early(self) -> bool:
        """Nothing is planned yet, so that money has nothing to be held against."""
        return self.state in ("placed", "paying")

    @property
    def going(self) -> Counter[tuple[int, str, int, int]]:
        """The lines that are, or have been, on their way to the customer."""
        return self.lines - self.cancelled


def _lines(lines: Iterable[Data]) -> Iterable[tuple[int, str, int, int]]:
    return [(line["line"], line["sku"], line["quantity"], value(line)) for line in lines]


def units_of(lines: Iterable[tuple[int, str, int, int]]) -> Counter[str]:
    return units({"sku": sku, "quantity": quantity} for _, sku, quantity, _ in lines)
