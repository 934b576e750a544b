"""The one thing an order owes: to end if nobody has paid in time."""

from collections.abc import Iterable
from typing import Any

from bus.duties import Deadline, Duty, Settled
from bus.envelope import Recorded
from domains.ordering.messages import (
    ExpireOrder,
    OrderCancelled,
    OrderConfirmed,
    PaymentRequested,
)


def duties(recorded: Recorded[Any]) -> Iterable[Duty]:
    name = f"expire:{recorded.id}"
    match recorded.data:
        case PaymentRequested(expires_at=expires_at):
            return [Deadline(name=name, at=expires_at, command=ExpireOrder(id=recorded.id))]
        case OrderConfirmed() | OrderCancelled():
            return [Settled(name=name)]
        case _:
            return []
