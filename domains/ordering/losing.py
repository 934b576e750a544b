"""A parcel that left and will not arrive: its value is given back, and the order may end by it."""

from collections.abc import Sequence

from msgspec.structs import replace

from bus.messages import total
from domains.ordering.messages import (
    OrderDelivered,
    OrderLine,
    OrderUndelivered,
    ParcelLost,
    RecordLoss,
)
from domains.ordering.replacing import replacement_of, worth
from domains.ordering.returning import SOLD
from domains.ordering.sending import ended
from domains.ordering.states import Delivered, Order, Sold, parcel_of, with_parcel

Lost = ParcelLost | OrderDelivered | OrderUndelivered


def record_loss(command: RecordLoss, state: Order) -> Sequence[Lost]:
    if not isinstance(state, SOLD):
        return []
    known = replacement_of(state, command.parcel)
    if known is not None:
        over = known.over or known.delivered_at is not None
        return [] if over else [_lost(command, state, worth(state, known))]
    if isinstance(state, Delivered):
        return []
    parcel = parcel_of(state, command.parcel)
    if parcel is None or parcel.settled:
        return []
    rest = with_parcel(state, replace(parcel, lost=True)).parcels
    return [_lost(command, state, parcel.lines), *ended(rest)]


def _lost(command: RecordLoss, state: Sold, lines: Sequence[OrderLine]) -> ParcelLost:
    return ParcelLost(
        parcel=command.parcel,
        came_back=command.came_back,
        lines=list(lines),
        value=total((line.value for line in lines), state.order.total.currency),
        ordered_at=state.order.ordered_at,
    )
