"""The customer cancels: at once before confirmation, parcel by parcel after it."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from bus.decider import Refused, Unknown
from bus.messages import total
from domains.ordering.messages import (
    CallOffAnswered,
    CancellationRefused,
    CancellationRequested,
    CancelOrder,
    LinesCancelled,
    OrderCancelled,
    OrderDelivered,
    OrderShipped,
    OrderUndelivered,
    RecordCallOff,
)
from domains.ordering.paying import cancelled
from domains.ordering.sending import told_again
from domains.ordering.states import (
    AwaitingPayment,
    Cancelled,
    Cancelling,
    Confirmed,
    Delivered,
    Order,
    Parcel,
    Placed,
    Shipped,
    Undelivered,
    Unplaced,
    parcel_of,
)

Settled = (
    CancellationRefused
    | OrderCancelled
    | LinesCancelled
    | OrderShipped
    | OrderDelivered
    | OrderUndelivered
)


def cancel(command: CancelOrder, state: Order) -> Sequence[OrderCancelled | CancellationRequested]:
    match state:
        case Placed(order=order) | AwaitingPayment(order=order):
            return [cancelled(order, "customer", command.reason)]
        case Confirmed():
            return [CancellationRequested(reason=command.reason)]
        case Cancelling() | Cancelled():
            return []
        case Shipped() | Undelivered():
            raise Refused("AlreadyShipped", f"Nothing of {command.id} is left to call off.")
        case Delivered():
            raise Refused("AlreadyDelivered", f"{command.id} has arrived.")
        case Unplaced():
            raise Unknown("UnknownOrder", f"There is no order {command.id}.")
        case _:
            assert_never(state)


def record_call_off(command: RecordCallOff, state: Order) -> Sequence[CallOffAnswered | Settled]:
    """Each parcel's first answer counts. The last one settles the cancellation."""
    if not isinstance(state, Cancelling) or command.parcel in state.answers:
        return []
    parcel = parcel_of(state, command.parcel)
    if parcel is None:
        return []
    called_off = command.called_off and not parcel.has_left
    answers = {**state.answers, command.parcel: called_off}
    if len(answers) < len(state.parcels):
        return [CallOffAnswered(parcel=command.parcel, called_off=called_off)]
    return _settled(state, answers)


def _settled(state: Cancelling, answers: Mapping[int, bool]) -> Sequence[Settled]:
    off = [parcel for parcel in state.parcels if answers[parcel.number]]
    rest = [parcel for parcel in state.parcels if not answers[parcel.number]]
    if not off:
        return [CancellationRefused(reason=state.reason)]
    if not rest:
        return [cancelled(state.order, "customer", state.reason, confirmed=True)]
    return [_lines_cancelled(state, off), *told_again(rest)]


def _lines_cancelled(state: Cancelling, off: Sequence[Parcel]) -> LinesCancelled:
    lines = [line for parcel in off for line in parcel.lines]
    value = total((line.value for line in lines), state.order.total.currency)
    return LinesCancelled(
        reason=state.reason, lines=lines, value=value, ordered_at=state.order.ordered_at
    )
