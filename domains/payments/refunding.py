"""How the books change by what comes back, and by a capture that the provider won't make."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from domains.payments.books import Books, Payment
from domains.payments.messages import (
    CaptureFailed,
    ChargeMoved,
    ParcelUnpaid,
    PaymentCaptured,
    RefundBooked,
    RefundDue,
    Share,
    ShortfallBooked,
    SurplusBooked,
)


def evolve(books: Books, event: object) -> Books:  # noqa: PLR0911
    match event:
        case RefundDue(cause_id=cause_id, value=value):
            due = books.due + value.amount
            return replace(books, due=due, causes=books.causes | {cause_id})
        case RefundBooked():
            return _book(books, event)
        case CaptureFailed():
            return _fail(books, event)
        case ShortfallBooked():
            return _give_less(books, event)
        case ChargeMoved(parcel=parcel, shares=shares):
            return _claim(books, parcel, shares)
        case SurplusBooked():
            return _surplus(books, event)
        case ParcelUnpaid(amount=amount):
            return replace(books, unpaid=books.unpaid + amount.amount)
        case _:
            return books


def _surplus(books: Books, event: SurplusBooked) -> Books:
    payments = list(books.payments)
    payment = payments[event.payment - 1]
    surplus, strays = payment.surplus + event.amount.amount, dict(payment.strays)
    if event.reference not in ("", payment.reference):
        strays[event.reference] = strays.get(event.reference, 0) + event.amount.amount
    payments[event.payment - 1] = replace(payment, surplus=surplus, strays=strays)
    return replace(books, payments=tuple(payments))


def answered(payment: Payment, event: PaymentCaptured | CaptureFailed, *, done: bool) -> Payment:
    captures = list(payment.captures[event.parcel])
    asked = captures[event.number - 1]
    lacking = max(0, asked.amount - event.amount.amount) if done else 0
    captures[event.number - 1] = replace(asked, done=done, lacking=lacking)
    return replace(payment, captures={**payment.captures, event.parcel: tuple(captures)})


def _book(books: Books, event: RefundBooked) -> Books:
    parts = _parts(event.shares)
    set_off = event.set_off.amount
    payments = [replace(p, repaid=p.repaid + parts.get(p.number, 0)) for p in books.payments]
    due = books.due - set_off - sum(parts.values())
    return replace(books, payments=tuple(payments), unpaid=books.unpaid - set_off, due=due)


def _fail(books: Books, event: CaptureFailed) -> Books:
    payment = answered(books.payments[event.payment - 1], event, done=False)
    return _unclaim(books, payment, event.parcel, event.amount.amount)


def _give_less(books: Books, event: ShortfallBooked) -> Books:
    """Captures that lacked something were of as much less."""
    payment = books.payments[event.payment - 1]
    captures = (
        replace(each, amount=each.amount - each.lacking, lacking=0)
        for each in payment.captures[event.parcel]
    )
    payment = replace(payment, captures={**payment.captures, event.parcel: tuple(captures)})
    return _unclaim(books, payment, event.parcel, event.amount.amount)


def _unclaim(books: Books, payment: Payment, parcel: int, amount: int) -> Books:
    """The amount is no longer claimed, and let go. A refund that was to come of it is due."""
    payments = list(books.payments)
    charged = {**payment.charged, parcel: payment.charged[parcel] - amount}
    over = max(0, payment.repaid - sum(charged.values()))
    payments[payment.number - 1] = replace(
        payment, charged=charged, freed=payment.freed + amount, repaid=payment.repaid - over
    )
    return replace(books, payments=tuple(payments), due=books.due + over)


def _claim(books: Books, parcel: int, shares: Iterable[Share]) -> Books:
    parts = _parts(shares)
    payments = []
    for payment in books.payments:
        part = payment.charged.get(parcel, 0) + parts.get(payment.number, 0)
        charged = {**payment.charged, parcel: part} if part else payment.charged
        payments.append(replace(payment, charged=charged))
    return replace(books, payments=tuple(payments))


def _parts(shares: Iterable[Share]) -> dict[int, int]:
    return {share.payment: share.amount.amount for share in shares}
