"""An order's decider: which rule answers which command."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from bus.decider import Decider
from domains.ordering.cancelling import cancel, record_call_off
from domains.ordering.folding import OrderEvent, evolve
from domains.ordering.losing import record_loss
from domains.ordering.messages import (
    AcceptReturn,
    CancelOrder,
    ConfirmOrder,
    ConfirmReplacement,
    ExpireOrder,
    ExpireReturn,
    FailPayment,
    RecordCallOff,
    RecordDelivery,
    RecordDispatch,
    RecordLoss,
    RefuseReplacement,
    RejectOrder,
    RequestPayment,
    RequestReturn,
)
from domains.ordering.paying import confirm, expire, fail_payment, reject, request_payment
from domains.ordering.replacing import confirm_replacement, refuse_replacement
from domains.ordering.returning import accept_return, expire_return, request_return
from domains.ordering.sending import record_delivery, record_dispatch
from domains.ordering.states import Order, Unplaced

AfterCommand = (
    RecordLoss
    | RequestReturn
    | ExpireReturn
    | AcceptReturn
    | ConfirmReplacement
    | RefuseReplacement
)
"""What comes after a parcel has left."""
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
    | AfterCommand
)


def decide(  # noqa: PLR0911
    command: OrderCommand, state: Order, now: datetime
) -> Sequence[OrderEvent]:
    """PlaceOrder is decided in `placing`. Of the others only what a customer wants is ever
    refused: what ordering tells itself may come late or twice, and then changes nothing."""
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
            return _after(command, state, now)


def _after(command: AfterCommand, state: Order, now: datetime) -> Sequence[OrderEvent]:
    match command:
        case RecordLoss():
            return record_loss(command, state)
        case RequestReturn():
            return request_return(command, state, now)
        case ExpireReturn():
            return expire_return(command, state)
        case AcceptReturn():
            return accept_return(command, state)
        case ConfirmReplacement():
            return confirm_replacement(command, state)
        case RefuseReplacement():
            return refuse_replacement(command, state)
        case _:
            assert_never(command)


ORDER = Decider(initial=Unplaced(), decide=decide, evolve=evolve)
