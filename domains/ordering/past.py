"""Orders that were played elsewhere, remembered as they were, also where their books disagree; and
the entries that settle what is known of them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bus.decider import Refused
from bus.messages import MAX_AMOUNT, Event, Money, total
from bus.remembering import Past, Remembering
from domains.ordering.messages import (
    AcceptPastCourse,
    ClosePastOrder,
    PastCourseAccepted,
    PastOrderClosed,
    PastOrderRecorded,
    RecordPastOrder,
)
from domains.ordering.placing import CLOCKS_DIFFER, EARLIEST


def record(command: RecordPastOrder, now: datetime) -> PastOrderRecorded:
    return PastOrderRecorded(
        customer_id=command.customer_id,
        lines=command.lines,
        total=_total(command),
        state=command.state,
        status=command.status,
        ordered_at=_past(command.ordered_at, now),
        approved_at=command.approved_at and _past(command.approved_at, now),
        delivered_at=command.delivered_at and _past(command.delivered_at, now),
    )


def _total(command: RecordPastOrder) -> Money:
    if len({line.line for line in command.lines}) < len(command.lines):
        raise Refused("LineTwice", "Each line of an order has a number of its own.")
    if any(currency != command.currency for currency in _currencies(command)):
        raise Refused("CurrencyMismatch", f"{command.id} is an order in {command.currency}.")
    value = total((line.value for line in command.lines), command.currency)
    if value.amount > MAX_AMOUNT:
        raise Refused("AmountTooLarge", f"An order can't cost more than {MAX_AMOUNT}.")
    return value


def _currencies(command: RecordPastOrder) -> Iterator[str]:
    for line in command.lines:
        yield from (line.price.currency, line.freight.currency)


def _past(time: datetime, now: datetime) -> datetime:
    if EARLIEST <= time <= now + CLOCKS_DIFFER:
        return time.astimezone(UTC)
    raise Refused("TimeOutOfRange", f"{time.isoformat()} is before 1970 or still to come.")


def close(command: ClosePastOrder, past: Past) -> Sequence[Event]:
    if any(isinstance(entry, PastOrderClosed) for entry in past.entries):
        return ()
    if isinstance(past.fact, PastOrderRecorded) and past.fact.state in ("delivered", "cancelled"):
        raise Refused("AlreadyEnded", f"{command.id} was {past.fact.state}: it needs no closing.")
    return [PastOrderClosed(rule=command.rule, divergence_id=command.divergence_id)]


def accept(command: AcceptPastCourse, past: Past) -> Sequence[Event]:
    for entry in past.entries:
        if isinstance(entry, PastCourseAccepted) and entry.rule == command.rule:
            return ()
    return [PastCourseAccepted(rule=command.rule, divergence_id=command.divergence_id)]


PAST = Remembering(
    RecordPastOrder,
    PastOrderRecorded,
    record,
    "OrderExists",
    "PastOrder",
    entries={ClosePastOrder: close, AcceptPastCourse: accept},
)
