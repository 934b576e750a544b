"""What the provider has taken and paid back of each payment, by its answers and by its report."""

from __future__ import annotations

from msgspec.structs import replace

from domains.payments.books import Books, Capture, Held, Payment
from domains.payments.messages import (
    PaymentAdjusted,
    PaymentCaptured,
    PaymentRefunded,
    PaymentSettled,
)


def evolve(books: Books, event: object) -> Books:
    match event:
        case PaymentSettled() | PaymentCaptured():
            return _moved(books, event.payment, took=event.amount.amount)
        case PaymentRefunded():
            return _moved(books, event.payment, gave=event.amount.amount)
        case PaymentAdjusted():
            return _adjust(_moved(books, event.payment, event.captured, event.refunded), event)
        case _:
            return books


def _moved(books: Books, number: int, took: int = 0, gave: int = 0) -> Books:
    payments = list(books.payments)
    payment = payments[number - 1]
    payments[number - 1] = replace(payment, took=payment.took + took, gave=payment.gave + gave)
    return replace(books, payments=tuple(payments))


def _adjust(books: Books, event: PaymentAdjusted) -> Books:
    payments = list(books.payments)
    payments[event.payment - 1] = _adjusted(payments[event.payment - 1], event)
    paid_after_all = sum(max(0, part.amount) for part in event.parcels)
    return replace(books, payments=tuple(payments), unpaid=books.unpaid - paid_after_all)


def _adjusted(payment: Payment, event: PaymentAdjusted) -> Payment:
    """What parcels lose can't be claimed once more: `lost` keeps what remains as it was."""
    charged, captures = dict(payment.charged), dict(payment.captures)
    for part in event.parcels:
        charged[part.parcel] = charged.get(part.parcel, 0) + part.amount
        if isinstance(payment.standing, Held):
            told = Capture(part.amount, done=True)
            captures[part.parcel] = (*captures.get(part.parcel, ()), told)
    paid = sum(part.amount for part in event.parcels)
    return replace(
        payment,
        charged=charged,
        captures=captures,
        short=payment.short - event.unclaimed,
        lost=payment.lost - paid,
    )
