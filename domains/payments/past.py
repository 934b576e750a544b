"""Money that was paid elsewhere: remembered, never asked for, and put right by entries alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bus.decider import Refused
from bus.messages import MAX_AMOUNT, Event, Money, total
from bus.remembering import Past, Remembering
from domains.payments.messages import (
    AdjustPastPayments,
    PastPaymentsAdjusted,
    PastPaymentsRecorded,
    RecordPastPayments,
)


def record(command: RecordPastPayments, now: datetime) -> PastPaymentsRecorded:
    payments = command.payments
    if len({payment.payment for payment in payments}) < len(payments):
        raise Refused("PaymentTwice", "Each payment of an order has a number of its own.")
    if any(payment.amount.currency != command.currency for payment in payments):
        raise Refused("CurrencyMismatch", f"{command.id} was paid in {command.currency}.")
    paid = total((payment.amount for payment in payments), command.currency)
    if paid.amount > MAX_AMOUNT:
        raise Refused("AmountTooLarge", f"No more than {MAX_AMOUNT} is paid for an order.")
    return PastPaymentsRecorded(payments=payments, total=paid)


def adjust(command: AdjustPastPayments, past: Past) -> Sequence[Event]:
    paid = _paid(past)
    if command.kept.currency != paid.currency:
        raise Refused("CurrencyMismatch", f"{command.id} was paid in {paid.currency}.")
    change = command.kept.amount - paid.amount - sum(_changes(past))
    if not change:
        return ()
    return [
        PastPaymentsAdjusted(
            change=change,
            kept=command.kept,
            rule=command.rule,
            divergence_id=command.divergence_id,
        )
    ]


def _paid(past: Past) -> Money:
    if not isinstance(past.fact, PastPaymentsRecorded):
        raise TypeError(f"{past.fact} says nothing of money")
    return past.fact.total


def _changes(past: Past) -> Iterator[int]:
    return (entry.change for entry in past.entries if isinstance(entry, PastPaymentsAdjusted))


PAST = Remembering(
    RecordPastPayments,
    PastPaymentsRecorded,
    record,
    "OrderExists",
    "PastOrder",
    entries={AdjustPastPayments: adjust},
)
