"""What follows from the books as they are: what is to be, and hasn't been asked for yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bus.messages import Event
from domains.payments.books import Asked, Books, Collecting, Failing, Held, Payment, Taken
from domains.payments.messages import (
    CaptureRequested,
    PaymentsFailed,
    PaymentsSecured,
    RefundRequested,
    VoidRequested,
)


def requests(books: Books) -> Sequence[Event]:
    """What can be asked of the provider, now that it has answered for the payment itself."""
    return [event for payment in books.payments for event in _requests(payment, books)]


def _requests(payment: Payment, books: Books) -> Iterable[Event]:
    back = payment.freed - payment.asked_back
    number = len(payment.returns) + 1
    match payment.standing:
        case Held(reference):
            yield from _captures(payment, reference, books)
            if back:
                yield VoidRequested(
                    payment=payment.number,
                    number=number,
                    amount=books.money(back),
                    reference=reference,
                )
        case Taken(reference) if back:
            yield RefundRequested(
                payment=payment.number,
                number=number,
                amount=books.money(back),
                reference=reference,
            )


def _captures(payment: Payment, reference: str, books: Books) -> Iterable[Event]:
    for parcel, amount in payment.charged.items():
        if parcel not in payment.captures:
            yield CaptureRequested(
                payment=payment.number,
                parcel=parcel,
                amount=books.money(amount),
                reference=reference,
            )


def news(books: Books) -> Sequence[Event]:
    """What ordering can be told now."""
    match books.stage:
        case Collecting() if not any(isinstance(p.standing, Asked) for p in books.payments):
            total = sum(payment.amount for payment in books.payments)
            return [PaymentsSecured(total=books.money(total))]
        case Failing(reason) if all(payment.at_rest for payment in books.payments):
            return [PaymentsFailed(reason=reason)]
        case _:
            return []
