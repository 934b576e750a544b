"""Orders that ordering has never taken, and of which others tell all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from projections.reconciliation.found import Found
from projections.reconciliation.obligations import Order

BEGINNINGS: Mapping[str, tuple[str, ...]] = {
    "inventory": ("StockReserved", "ReservationRefused"),
    "payments": ("AuthorizationRequested", "SettlementRequested", "PaymentSettled"),
    "shipping": ("ShipmentPlanned:1",),
}
"""What is the first that each tells of an order."""


def unknown(order: Order) -> Iterator[Found]:
    if "ordering" in order:
        return
    for domain, events in BEGINNINGS.items():
        facts = order.get(domain)
        mark = facts and next((facts.marks[e] for e in events if e in facts.marks), None)
        if mark:
            yield Found(
                rule="unknown-order",
                said=f"{domain} tells of it, and ordering does not",
                since=mark.time,
                part=domain,
            )
