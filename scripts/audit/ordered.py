"""What ordering has told of one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.audit.back import Back
from scripts.audit.events import Event, Line, lines, name, value

STATES: Mapping[str, str] = {
    "OrderPlaced": "placed",
    "PaymentRequested": "paying",
    "OrderConfirmed": "confirmed",
    "OrderShipped": "shipped",
    "OrderDelivered": "delivered",
    "OrderCancelled": "cancelled",
    "OrderUndelivered": "undelivered",
}


@dataclass(slots=True)
class Ordered:
    """Amounts are in minor units: `worth` and `cancelled_worth` are what the lines cost, `total`,
    `promised` and `cancelled_value` what was said of all, of the payments, and of what was
    cancelled. `asked` is the amount of each payment that was asked for."""

    state: str = ""
    confirmed: bool = False
    currency: str = ""
    total: int = 0
    promised: int = 0
    worth: int = 0
    lines: tuple[Line, ...] = ()
    freight: dict[int, int] = field(default_factory=dict)
    cancelled: tuple[Line, ...] = ()
    cancelled_worth: int = 0
    cancelled_value: int = 0
    asked: dict[int, int] = field(default_factory=dict)
    back: Back = field(default_factory=Back)

    def take(self, event: Event) -> None:
        data = event.data
        self.state = STATES.get(event.type, self.state)
        self.back.take(event)
        match event.type:
            case "OrderPlaced":
                self.currency, self.total = name(data["total"]["currency"]), data["total"]["amount"]
                self.promised = sum(payment["amount"]["amount"] for payment in data["payments"])
                self.worth += value(data["lines"])
                self.lines += lines(data["lines"])
                self.freight = {line["line"]: line["freight"]["amount"] for line in data["lines"]}
            case "PaymentRequested":
                for payment in data["payments"]:
                    self.asked[payment["payment"]] = payment["amount"]["amount"]
            case "OrderConfirmed":
                self.confirmed = True
            case "LinesCancelled" | "OrderCancelled":
                self.cancelled += lines(data["lines"])
                self.cancelled_worth += value(data["lines"])
                self.cancelled_value += data["value"]["amount"]

    @property
    def early(self) -> bool:
        """Nothing is planned yet, so that money has nothing to be held against."""
        return self.state in ("placed", "paying")
