"""What has arrived comes back: asked for, expected for a while, and accepted as it comes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from bus.decider import NotYet, Refused, Unknown
from bus.messages import Money, total
from domains.ordering.after import Units, added, quantities, shares
from domains.ordering.messages import (
    AcceptReturn,
    ExpireReturn,
    ReplacementRequested,
    RequestReturn,
    ReturnAccepted,
    ReturnedLine,
    ReturnExpired,
    ReturnRequested,
)
from domains.ordering.paying import by_seller
from domains.ordering.states import Cancelling as CancellingOrder
from domains.ordering.states import (
    Confirmed,
    Delivered,
    Order,
    Shipped,
    Sold,
    Unplaced,
    settled,
)

RETURN_WINDOW = timedelta(days=30)
"""After the units have arrived."""
TIME_TO_SEND_BACK = timedelta(days=30)
"""After the return was asked for."""
MAX_RETURNS = 1000
"""Of one order: also those that have expired stay part of it."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(days=1)
SOLD = (Confirmed, CancellingOrder, Shipped, Delivered)


def request_return(
    command: RequestReturn, state: Order, now: datetime
) -> Sequence[ReturnRequested]:
    if isinstance(state, Unplaced):
        raise Unknown("UnknownOrder", f"There is no order {command.id}.")
    if not isinstance(state, SOLD):
        raise Refused("NothingArrived", f"Nothing of {command.id} has arrived.")
    if len(state.after.returns) >= MAX_RETURNS:
        raise Refused("TooManyReturns", f"No order has more than {MAX_RETURNS} returns.")
    wanted = _wanted(command)
    at = _asked_at(command, now)
    try:
        _allowed(state, wanted, at)
    except Refused as refusal:
        if not _on_its_way(state):
            raise
        raise NotYet("shipping", refusal) from refusal  # it may have arrived a moment ago
    skus = {line.line: line.sku for line in state.order.lines}
    return [
        ReturnRequested(
            number=len(state.after.returns) + 1,
            lines=[ReturnedLine(line=n, sku=skus[n], quantity=q) for n, q in wanted.items()],
            reason=command.reason,
            exchange=command.exchange,
            expires_at=now + TIME_TO_SEND_BACK,
        )
    ]


def _on_its_way(state: Sold) -> bool:
    """Whether shipping may know of an arrival that we haven't heard of."""
    further = state.after.replacements.values()
    return not settled(state.parcels) or any(r.delivered_at is None and not r.over for r in further)


def _wanted(command: RequestReturn) -> Units:
    wanted = {line.line: line.quantity for line in command.lines}
    if not wanted:
        raise Refused("NoLines", "A return needs at least one line.")
    if len(wanted) < len(command.lines):
        raise Refused("LineTwice", "A return names each line once.")
    return wanted


def _asked_at(command: RequestReturn, now: datetime) -> datetime:
    told = command.requested_at or now
    if EARLIEST <= told <= now + CLOCKS_DIFFER:
        return told.astimezone(UTC)
    raise Refused("TimeOutOfRange", "requested_at lies before 1970 or in the future.")


def _allowed(state: Sold, wanted: Units, at: datetime) -> None:
    """Nobody can tell the units of a line apart, so the last to arrive are returned first."""
    known = {line.line for line in state.order.lines}
    everything, lately, claimed = (
        _arrived(state),
        _arrived(state, at - RETURN_WINDOW),
        _claimed(state),
    )
    for line, quantity in wanted.items():
        if line not in known:
            raise Refused("UnknownLine", f"The order has no line {line}.", line=line)
        there = everything.get(line, 0)
        left = there - claimed.get(line, 0)
        details = {"line": line, "wanted": quantity, "arrived": there, "returnable": left}
        if not there:
            raise Refused("NotArrived", f"Nothing of line {line} has arrived.", **details)
        if quantity > left:
            message = f"Of line {line} only {left} can be returned: {there} have arrived."
            raise Refused("AlreadyReturned", message, **details)
        if quantity > lately.get(line, 0):
            message = f"Line {line} arrived more than {RETURN_WINDOW.days} days ago."
            raise Refused("ReturnWindowClosed", message, **details)


def _arrived(state: Sold, since: datetime = EARLIEST) -> Units:
    units: Units = {}
    came = [(p.lines, p.delivered_at) for p in state.parcels]
    came += [(r.lines, r.delivered_at) for r in state.after.replacements.values()]
    for lines, at in came:
        if at is not None and at >= since:
            units = added(units, quantities(lines))
    return units


def _claimed(state: Sold) -> Units:
    units: Units = {}
    for one in state.after.returns.values():
        units = added(units, one.claimed.items())
    return units


def expire_return(command: ExpireReturn, state: Order) -> Sequence[ReturnExpired]:
    if not isinstance(state, SOLD):
        return []
    known = state.after.returns.get(command.number)
    return [ReturnExpired(number=command.number)] if known is not None and known.open else []


def accept_return(
    command: AcceptReturn, state: Order
) -> Sequence[ReturnAccepted | ReplacementRequested]:
    """What inventory has received counts, also where the return expired at that moment."""
    if not isinstance(state, SOLD):
        return []
    known = state.after.returns.get(command.number)
    if known is None or command.receipt in known.receipts:
        return []
    came = {line.line: line.quantity for line in command.lines}
    lines = shares(state.order.lines, came, state.after.refunded)
    currency = state.order.total.currency
    value = Money(0, currency) if known.exchange else total((x.value for x in lines), currency)
    accepted = ReturnAccepted(
        number=command.number,
        receipt=command.receipt,
        lines=lines,
        value=value,
        exchange=known.exchange,
        complete=command.complete,
        ordered_at=state.order.ordered_at,
    )
    return [accepted, *(_replacements(accepted, state) if known.exchange else ())]


def _replacements(accepted: ReturnAccepted, state: Sold) -> Iterable[ReplacementRequested]:
    """One parcel a seller, as at first."""
    first = len(by_seller(state.order.lines)) + len(state.after.replacements) + 1
    for parcel, lines in enumerate(by_seller(accepted.lines), first):
        yield ReplacementRequested(number=accepted.number, parcel=parcel, lines=lines)
