"""What stays as it is for too long: nothing else of it need be wrong, but somebody must look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bus.messages import Money
from domains.inventory.messages import KEPT_FOR
from domains.ordering.messages import DEADLINES
from domains.payments.messages import HELD_FOR
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


def kept(order: Order) -> Iterator[Found]:
    """Units that wait for nobody any more, whatever has become of the order."""
    inventory = order.get("inventory")
    if inventory is None:
        return
    waiting = {sku: n for sku, n in inventory.sums("kept", inventory.units).items() if n > 0}
    if waiting:
        said = ", ".join(f"{n} of {sku}" for sku, n in waiting.items())
        yield Found(
            rule="reserved-too-long",
            said=f"{said} kept for longer than {_days(KEPT_FOR)}",
            since=inventory.time + KEPT_FOR,
        )


def held(order: Order) -> Iterator[Found]:
    payments = order.get("payments")
    if payments is None:
        return
    waiting = {p: n for p, n in payments.sums("held", payments.money).items() if n > 0}
    if waiting:
        total = sum(waiting.values())
        yield Found(
            rule="authorized-too-long",
            said=f"{total} held on a card for longer than {_days(HELD_FOR)}",
            since=payments.time + HELD_FOR,
            amount=Money(total, payments.currency),
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
