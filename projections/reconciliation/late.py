"""What stays as it is for too long: nothing of it is wrong, but somebody must look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from domains.ordering.messages import DEADLINES
from projections.reconciliation.found import Found
from projections.reconciliation.obligations import Order
from projections.reconciliation.slots import Facts


def stuck(order: Order) -> Iterator[Found]:
    """An order that has not moved for as long as its state allows."""
    ordering = order.get("ordering")
    if ordering is None:
        return
    state = _state(ordering)
    if state not in DEADLINES:
        return
    since = max(facts.time for domain, facts in order.items() if domain != "reconciliation")
    yield Found(
        rule=f"stuck-{state.replace('_', '-')}",
        said=f"{state} for longer than {_days(DEADLINES[state])}",
        since=since + DEADLINES[state],
    )


def _state(ordering: Facts) -> str:
    """What the marks say, the latest state first."""
    for event, state in (
        ("OrderCancelled", "cancelled"),
        ("OrderDelivered", "delivered"),
        ("OrderUndelivered", "undelivered"),
        ("OrderShipped", "shipped"),
        ("LinesCancelled", "confirmed"),
        ("CancellationRefused", "confirmed"),
        ("CancellationRequested", "cancelling"),
        ("OrderConfirmed", "confirmed"),
        ("PaymentRequested", "awaiting_payment"),
        ("OrderPlaced", "placed"),
    ):
        if list(ordering.named(event)):
            return state
    return ""


def _days(time: timedelta) -> str:
    return f"{time.days} days" if time.days else f"{time.seconds // 3600} hours"
