"""An order's decider: which rule answers which command."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from bus.decider import Decider
from domains.ordering.cancelling import cancel, record_call_off
from domains.ordering.folding import OrderEvent, evolve
from domains.ordering.messages import (
    CancelOrder,
    ConfirmOrder,
    ExpireOrder,
    FailPayment,
    RecordCallOff,
    RecordDelivery,
    RecordDispatch,
    RejectOrder,
    RequestPayment,
)
from domains.ordering.paying import confirm, expire, fail_payment, reject, request_payment
from domains.ordering.sending import record_delivery, record_dispatch
from domains.ordering.states import Order, Unplaced

OrderCommand = (
    CancelOrder
    | RequestPayment
    | RejectOrder
    | ConfirmOrder
    | FailPayment
    | ExpireOrder
    | RecordDispatch
    | RecordDelivery
    | RecordCallOff
)


def decide(  # noqa: PLR0911
    command: OrderCommand, state: Order, now: datetime
) -> Sequence[OrderEvent]:
    """PlaceOrder is decided in `placing`. Of the others only a cancel is ever refused: what
    ordering tells itself may come late or twice, and then changes nothing."""
    match command:
        case CancelOrder():
            return cancel(command, state)
        case RequestPayment():
            return request_payment(state, now)
        case RejectOrder():
            return reject(state)
        case ConfirmOrder():
            return confirm(state)
        case FailPayment():
            return fail_payment(command, state)
        case ExpireOrder():
            return expire(state)
        case RecordDispatch():
            return record_dispatch(command, state)
        case RecordDelivery():
            return record_delivery(command, state)
        case RecordCallOff():
            return record_call_off(command, state)
        case _:
            assert_never(command)


ORDER = Decider(initial=Unplaced(), decide=decide, evolve=evolve)
