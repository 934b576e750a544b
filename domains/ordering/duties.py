"""What an order owes: to end if nobody has paid in time, and so a return that never comes."""

from collections.abc import Iterable
from typing import Any

from bus.duties import Deadline, Duty, Settled
from bus.envelope import Recorded
from domains.ordering.messages import (
    ExpireOrder,
    ExpireReturn,
    OrderCancelled,
    OrderConfirmed,
    PaymentRequested,
    ReturnAccepted,
    ReturnExpired,
    ReturnRequested,
)


def duties(recorded: Recorded[Any]) -> Iterable[Duty]:
    name = f"expire:{recorded.id}"
    match recorded.data:
        case PaymentRequested(expires_at=expires_at):
            return [Deadline(name=name, at=expires_at, command=ExpireOrder(id=recorded.id))]
        case OrderConfirmed() | OrderCancelled():
            return [Settled(name=name)]
        case ReturnRequested(number=number, expires_at=expires_at):
            command = ExpireReturn(id=recorded.id, number=number)
            return [Deadline(name=_return(recorded, number), at=expires_at, command=command)]
        case ReturnExpired(number=number) | ReturnAccepted(number=number, complete=True):
            return [Settled(name=_return(recorded, number))]
        case _:
            return []


def _return(recorded: Recorded[Any], number: int) -> str:
    return f"return:{recorded.id}:{number}"
