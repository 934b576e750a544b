"""Money that was paid elsewhere: remembered, never asked for."""

from __future__ import annotations

from datetime import datetime

from bus.decider import Refused
from bus.messages import MAX_AMOUNT, total
from bus.remembering import Remembering
from domains.payments.messages import PastPaymentsRecorded, RecordPastPayments


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


PAST = Remembering(RecordPastPayments, PastPaymentsRecorded, record, "OrderExists", "PastOrder")
