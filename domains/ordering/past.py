"""Orders that were played elsewhere, remembered as they were, also where their books disagree."""

from collections.abc import Iterator
from datetime import UTC, datetime

from bus.decider import Refused
from bus.messages import MAX_AMOUNT, Money, total
from bus.remembering import Remembering
from domains.ordering.messages import PastOrderRecorded, RecordPastOrder
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


PAST = Remembering(RecordPastOrder, PastOrderRecorded, record, "OrderExists", "PastOrder")
