"""The further parcel of an exchange: its units are kept or can't be had, it leaves and arrives."""

from collections.abc import Sequence

from bus.messages import total
from domains.ordering.after import Replacement, quantities, shares
from domains.ordering.messages import (
    ConfirmReplacement,
    OrderLine,
    RecordDelivery,
    RecordDispatch,
    RefuseReplacement,
    ReplacementConfirmed,
    ReplacementDelivered,
    ReplacementShipped,
    ReplacementUnavailable,
)
from domains.ordering.returning import SOLD
from domains.ordering.states import Order, Sold


def replacement_of(state: Order, parcel: int) -> Replacement | None:
    return state.after.replacements.get(parcel) if isinstance(state, SOLD) else None


def worth(state: Sold, replacement: Replacement) -> list[OrderLine]:
    """The lines at what they cost: what is given back where the customer gets nothing."""
    return shares(state.order.lines, dict(quantities(replacement.lines)), state.after.refunded)


def confirm_replacement(
    command: ConfirmReplacement, state: Order
) -> Sequence[ReplacementConfirmed]:
    known = replacement_of(state, command.parcel)
    if known is None or known.answered or known.over:
        return []
    return [ReplacementConfirmed(parcel=command.parcel, lines=list(known.lines))]


def refuse_replacement(
    command: RefuseReplacement, state: Order
) -> Sequence[ReplacementUnavailable]:
    known = replacement_of(state, command.parcel)
    if known is None or known.answered or known.over or not isinstance(state, SOLD):
        return []
    lines = worth(state, known)
    return [
        ReplacementUnavailable(
            parcel=command.parcel,
            lines=lines,
            value=total((line.value for line in lines), state.order.total.currency),
            ordered_at=state.order.ordered_at,
        )
    ]


def sent(command: RecordDispatch, known: Replacement) -> Sequence[ReplacementShipped]:
    """Also where its arrival was heard of first."""
    if known.dispatched_at is not None or known.over:
        return []
    return [ReplacementShipped(parcel=command.parcel, dispatched_at=command.dispatched_at)]


def came(command: RecordDelivery, known: Replacement) -> Sequence[ReplacementDelivered]:
    if known.delivered_at is not None or known.over:
        return []
    return [ReplacementDelivered(parcel=command.parcel, delivered_at=command.delivered_at)]
