"""One order, as four services have told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from scripts.audit.events import Event
from scripts.audit.kept import Kept
from scripts.audit.ordered import Ordered
from scripts.audit.paid import Paid
from scripts.audit.past import TYPES, Past
from scripts.audit.sent import Sent
from scripts.audit.settled import Settled


@dataclass(slots=True)
class Order:
    """`last` is when any service last told of it. `past` is there where it was played elsewhere,
    and `lives` where a living service has told of it: the provider's report may tell of orders
    that nobody knows."""

    id: str
    last: datetime
    ordered: Ordered = field(default_factory=Ordered)
    kept: Kept = field(default_factory=Kept)
    paid: Paid = field(default_factory=Paid)
    sent: Sent = field(default_factory=Sent)
    settled: Settled = field(default_factory=Settled)
    past: Past | None = None
    lives: bool = False

    def take(self, event: Event) -> None:
        self.last = max(self.last, event.time)
        if event.type in TYPES:
            self.past = self.past or Past()
            self.past.take(event)
            return
        if event.aggregate == "settlement":
            self.settled.take(event)
            return
        self.lives = True
        match event.aggregate:
            case "order":
                self.ordered.take(event)
            case "reservation":
                self.kept.take(event)
            case "stock":
                self.kept.take_of_sku(event)
            case "payment":
                self.paid.take(event)
            case "shipment":
                self.sent.take(event)
