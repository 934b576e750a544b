"""All that the audit knows: what was told of each order and each SKU, and what does not balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from scripts.audit import past_rules, rules
from scripts.audit.compensations import OWNER, Compensations
from scripts.audit.events import Event
from scripts.audit.finding import Finding
from scripts.audit.order import Order
from scripts.audit.past import Past
from scripts.audit.stock import Stock
from scripts.audit.trail import Trail

OF_AN_ORDER = ("order", "reservation", "payment", "settlement", "shipment")
"""The aggregates whose id is the order's."""
MOVED = ("authorized", "settled", "captured", "voided", "refunded")
MONEY = (
    "ordered",
    "cancelled",
    "left",
    "to_leave",
    "early",
    "held",
    "kept",
    "returned",
    "owed",
    *MOVED,
    "adjusted",
)

PAST = ("orders", "unbalanced", "worth", "left", "kept", "over", "under")


class Books:
    def __init__(self, domains: Sequence[str]) -> None:
        self.trails = {domain: Trail(domain) for domain in domains}
        self.compensations = Compensations()
        self._orders: dict[str, Order] = {}
        self._stocks: dict[str, Stock] = {}
        self._moving: dict[str, None] = {}
        self._moved: dict[str, Stock] = {}
        self._wrong: dict[str, Sequence[Finding]] = {}

    @property
    def events(self) -> int:
        return sum(trail.position for trail in self.trails.values())

    def take(self, domain: str, position: int, body: bytes) -> None:
        event = self.trails[domain].take(position, body)
        if event is None:
            return
        try:
            self._book(event)
        except (KeyError, TypeError, AttributeError) as error:
            self.trails[domain].unreadable(position, f"{event.type} lacks {error}")

    def _book(self, event: Event) -> None:
        self.compensations.take(event)
        if event.aggregate in OF_AN_ORDER:
            self._tell(event.id, event)
        elif event.aggregate == "stock":
            stock = self._stocks.get(event.id) or self._stocks.setdefault(event.id, Stock(event.id))
            stock.take(event)
            self._moved[event.id] = stock
            if order := event.data.get("order_id"):
                self._tell(order, event)

    def balance(self, before: datetime) -> int:
        """Looks at all SKUs and orders that have moved since. An order that does not balance and of
        which an event was recorded after `before` may still be moving: it is looked at again the
        next time. Gives how many these are."""
        for stock in self._moved.values():
            self._note(f"stock/{stock.sku}", list(stock.findings()))
        self._moved.clear()
        for id in list(self._moving):
            order = self._orders[id]
            judge = past_rules if order.past is not None else rules
            found = list(judge.findings(order))
            if found and order.last > before:
                self._note(f"order/{id}", ())
                continue
            del self._moving[id]
            self._note(f"order/{id}", found)
        return len(self._moving)

    def findings(self) -> Iterator[Finding]:
        """Where the books don't balance, as of the last look at them."""
        for trail in self.trails.values():
            yield from trail.findings()
        for found in self._wrong.values():
            yield from found
        if OWNER in self.trails:
            read = {domain: trail.position for domain, trail in self.trails.items()}
            yield from self.compensations.findings(read)

    def units(self) -> Mapping[str, int]:
        """Of all SKUs. `left` is what shipping says, `shipped` what inventory does."""
        names = ("received", "returned", "written_off", "shipped", "on_hand", "reserved")
        sums = {name: sum(getattr(s, name) for s in self._stocks.values()) for name in names}
        left = sum(line.quantity for order in self._orders.values() for line in order.sent.left)
        return {**sums, "left": left}

    def money(self) -> Mapping[str, Mapping[str, int]]:
        """Of all orders, by currency, in minor units. `early` is what is there of orders that are
        not confirmed yet; all the rest, held and kept, is the value of what left or is to
        leave, but for what is `returned` and what nobody has paid (`owed`)."""
        found: dict[str, dict[str, int]] = {}
        for order in self._living():
            sums = found.setdefault(order.ordered.currency, dict.fromkeys(MONEY, 0))
            for name, amount in _money(order).items():
                sums[name] += amount
        return dict(sorted(found.items()))

    def past(self) -> Mapping[str, Mapping[str, int]]:
        """Of all orders that were played elsewhere, by currency, in minor units; `unbalanced` are
        those that something was found of, as of the last look. `over` is what is kept beyond what
        should be, `under` what is missing."""
        found: dict[str, dict[str, int]] = {}
        for order in self._orders.values():
            if order.past is not None:
                sums = found.setdefault(order.past.currency, dict.fromkeys(PAST, 0))
                wrong = f"order/{order.id}" in self._wrong
                for name, amount in _past(order.past, wrong).items():
                    sums[name] += amount
        return dict(sorted(found.items()))

    def _living(self) -> Iterator[Order]:
        return (order for order in self._orders.values() if order.past is None and order.lives)

    @property
    def orders(self) -> int:
        """That live here."""
        return sum(1 for _ in self._living())

    @property
    def skus(self) -> int:
        return len(self._stocks)

    def _note(self, of: str, found: Sequence[Finding]) -> None:
        if found:
            self._wrong[of] = found
        else:
            self._wrong.pop(of, None)

    def _tell(self, id: str, event: Event) -> None:
        order = self._orders.get(id)
        if order is None:
            order = self._orders[id] = Order(id, event.time)
        order.take(event)
        self._moving[id] = None


def _past(past: Past, wrong: bool) -> Mapping[str, int]:
    """One order's part of each of PAST."""
    return {
        "orders": 1,
        "unbalanced": int(wrong),
        "worth": past.worth,
        "left": past.left,
        "kept": past.kept,
        "over": max(past.off, 0),
        "under": max(-past.off, 0),
    }


def _money(order: Order) -> Mapping[str, int]:
    """One order's part of each of MONEY."""
    there = {"held": order.paid.held, "kept": order.paid.kept}
    moved = {
        name: sum(getattr(payment, name) for payment in order.paid.payments.values())
        for name in MOVED
    }
    moved["adjusted"] = sum(p.took - p.gave for p in order.paid.payments.values())
    return {
        "ordered": order.ordered.total,
        "cancelled": order.ordered.cancelled_value,
        "left": order.sent.left_value,
        "to_leave": order.sent.waiting_value,
        "returned": order.ordered.back.value,
        "owed": order.paid.owed,
        "early": sum(there.values()) if order.ordered.early else 0,
        **there,
        **moved,
    }
