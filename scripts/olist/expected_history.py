"""What the import of history must have recorded, and what a reconciliation must find in it: asked
of the files in SQL (`expected_history.sql`).

**Money.** Per order, what was paid is held against what its items and their freight cost. An order
is in one of these at most, and in the first that fits:

1. money kept for a cancelled order: canceled or unavailable, and paid, whether or not it has items
   or left all the same; all that was paid. A cancelled order that nobody paid is right.
2. paid without items; all that was paid.
3. items without payment: none, or payments of nothing; all that the items cost. What was only
   created need not be paid yet.
4. paid a rounding apart: at most one cent for each payment, too much or too little.
5. overpaid, underpaid: by more than that. The difference, as in 4.

**Course.** These are looked at each by itself, whatever the money is, so an order may be in
several; the sum is what was paid for them:

- delivered without a carrier date; delivered without a date of delivery.
- left before approval: both dates are there, and the carrier's is the earlier one.
- left without approval: sent or delivered, and there is no such date.
- never finished: created, approved, processing, invoiced or shipped is the last that is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.olist.files import Files
from scripts.olist.history_books import Amounts, Book

MONEY = (
    "money kept for a cancelled order",
    "paid without items",
    "items without payment",
    "paid a rounding apart",
    "overpaid",
    "underpaid",
)
LEFT = "parcels in ('dispatched', 'delivered')"
_LINE = "order_id || '/' || sku || '/' || seller || '/' || price"
_PAYMENT = "order_id || '/' || number || ' ' || type || ' in ' || installments"
_PARCEL = "order_id || '/' || seller"
_LINES = f"past_item group by {_LINE}"
_PARCELS = f"past_item join past_order using (order_id) group by {_PARCEL}"
_ASKED: Mapping[Book, tuple[str, str, str]] = {
    "orders": ("order_id || '/' || customer || ' ' || status || ', ' || state", "1", "past_order"),
    "ordered at": ("order_id", "ordered_at", "past_order"),
    "approved at": ("order_id", "approved_at", "past_order where approved_at is not null"),
    "delivered at": ("order_id", "arrived_at", "past_order where arrived_at is not null"),
    "units of each line": (_LINE, "count(*)", _LINES),
    "freight of each line": (_LINE, "sum(freight)", _LINES),
    "what each order cost": ("order_id", "worth", "past_order"),
    "payments": (_PAYMENT, "1", "past_payment"),
    "amount of each payment": (_PAYMENT, "amount", "past_payment"),
    "what was paid for each order": ("order_id", "paid", "past_order"),
    "parcels": (f"{_PARCEL} || ' ' || any_value(parcels)", "1", _PARCELS),
    "worth of each parcel": (_PARCEL, "sum(price + freight)", _PARCELS),
    "dispatched at": (_PARCEL, "any_value(carried_at)", _PARCELS),
    "arrived at": (_PARCEL, "any_value(arrived_at)", _PARCELS),
    "units that left": (
        "order_id || '/' || sku",
        "count(*)",
        f"past_item join past_order using (order_id) where {LEFT} group by order_id, sku",
    ),
    "products": ("product_id || ' ' || product_category_name", "1", "product_of_all"),
}
_FACTS: Mapping[str, str] = {
    "catalog": "product_of_all",
    "ordering": "orders",
    "payments": "orders",
    "shipping": "orders",
    "inventory": f"past_order where units > 0 and {LEFT}",
}


class Rule(NamedTuple):
    """The orders that a rule finds, and what each comes to in cents of BRL."""

    name: str
    amounts: Sequence[tuple[str, int]]

    @property
    def orders(self) -> Sequence[str]:
        return [id for id, _ in self.amounts]

    @property
    def cents(self) -> int:
        return sum(cents for _, cents in self.amounts)


class ExpectedHistory:
    """Raises FilesError where a value makes no sense."""

    def __init__(self, files: Files) -> None:
        self._files = files
        files.define(Path(__file__).with_name("expected_history.sql"))

    def books(self) -> Iterator[tuple[Book, Amounts]]:
        """Every order's lines, payments, parcels and times, to the cent and the second."""
        yield "facts", {domain: self._files.count(of) for domain, of in _FACTS.items()}
        for book, (key, amount, source) in _ASKED.items():
            rows = self._files.query(f"select {key}, {amount} from {source}")
            yield book, {str(key): int(str(n)) for key, n in rows if n is not None}

    def rules(self) -> Sequence[Rule]:
        """What a reconciliation must find: money first, then the course."""
        return [*self._rules("past_money", MONEY), *self._rules("past_course")]

    def _rules(self, view: str, names: Sequence[str] = ()) -> Iterator[Rule]:
        found: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
        rows = self._files.query(
            f"select rule, order_id, cents from {view} order by rule, order_id"
        )
        for rule, order_id, cents in rows:
            found.setdefault(str(rule), []).append((str(order_id), int(str(cents))))
        for name, orders in found.items():
            yield Rule(name, orders)
