"""From the reserved stock to the confirmed order, or to the end before that."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domains.ordering.messages import (
    CancelReason,
    FailPayment,
    OrderCancelled,
    OrderConfirmed,
    OrderLine,
    OrderPlaced,
    PaymentRequested,
)
from domains.ordering.states import AwaitingPayment, Order, Placed

TIME_TO_PAY = timedelta(days=10)
# Outlasts the slowest means of payment: a boleto may be paid up to three working days after
# it was issued and is heard of a day or two later, with a long weekend in between.


def request_payment(state: Order, now: datetime) -> Sequence[PaymentRequested]:
    """The stock is there. Whoever has cancelled meanwhile is not asked for money."""
    if not isinstance(state, Placed):
        return []
    order = state.order
    return [
        PaymentRequested(
            customer_id=order.customer_id,
            payments=order.payments,
            total=order.total,
            expires_at=now + TIME_TO_PAY,
        )
    ]


def reject(state: Order) -> Sequence[OrderCancelled]:
    if not isinstance(state, Placed):
        return []
    return [cancelled(state.order, "unavailable", "not all of it is in stock")]


def confirm(state: Order) -> Sequence[OrderConfirmed]:
    """Paid. What comes after the order's end is given back by payments."""
    if not isinstance(state, AwaitingPayment):
        return []
    order = state.order
    return [
        OrderConfirmed(
            customer_id=order.customer_id,
            parcels=by_seller(order.lines),
            ordered_at=order.ordered_at,
        )
    ]


def fail_payment(command: FailPayment, state: Order) -> Sequence[OrderCancelled]:
    if not isinstance(state, AwaitingPayment):
        return []
    return [cancelled(state.order, "declined", command.reason)]


def expire(state: Order) -> Sequence[OrderCancelled]:
    if not isinstance(state, Placed | AwaitingPayment):
        return []
    return [cancelled(state.order, "expired", "not paid in time")]


def cancelled(
    order: OrderPlaced, cause: CancelReason, reason: str, *, confirmed: bool = False
) -> OrderCancelled:
    """The end of the whole order: all lines and their value are free again."""
    return OrderCancelled(
        cause=cause,
        reason=reason,
        lines=order.lines,
        value=order.total,
        ordered_at=order.ordered_at,
        confirmed=confirmed,
    )


def by_seller(lines: Sequence[OrderLine]) -> list[list[OrderLine]]:
    parcels: dict[str, list[OrderLine]] = {}
    for line in lines:
        parcels.setdefault(line.seller_id, []).append(line)
    return list(parcels.values())
