"""What follows from the books as they are: what is to be, and hasn't been asked for yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bus.messages import Event
from domains.payments.books import Asked, Books, Collecting, Failing, Held, Payment, Taken
from domains.payments.messages import (
    CaptureRequested,
    PaymentsFailed,
    PaymentsSecured,
    RefundBooked,
    RefundRequested,
    VoidRequested,
)


def refunds(books: Books) -> Sequence[Event]:
    """What is due is set off against what was never paid, and the rest is given back."""
    set_off = min(books.due, books.unpaid)
    shares = books.share_back(books.due - set_off)
    if not set_off and not shares:
        return []
    return [RefundBooked(set_off=books.money(set_off), shares=shares)]


def requests(books: Books) -> Sequence[Event]:
    """What can be asked of the provider, now that it has answered for the payment itself."""
    return [event for payment in books.payments for event in _requests(payment, books)]


def _requests(payment: Payment, books: Books) -> Iterable[Event]:
    strays = list(_strays(payment, books))
    number = len(payment.returns) + len(strays) + 1
    match payment.standing:
        case Held(reference):
            yield from _captures(payment, reference, books)
            yield from _let_go(payment, reference, number, books)
        case Taken(reference):
            surplus = payment.surplus - sum(payment.strays.values())
            back = payment.freed + payment.repaid + surplus - payment.asked_back
            asked = RefundRequested(
                payment=payment.number,
                number=number,
                amount=books.money(back),
                reference=reference,
            )
            yield from _if_any(asked)
    yield from strays


def _strays(payment: Payment, books: Books) -> Iterable[RefundRequested]:
    """What was taken under other references than the payment's own."""
    number = len(payment.returns)
    for reference, amount in payment.strays.items():
        if amount:
            number += 1
            yield RefundRequested(
                payment=payment.number,
                number=number,
                amount=books.money(amount),
                reference=reference,
            )


def _let_go(payment: Payment, reference: str, number: int, books: Books) -> Iterable[Event]:
    """What is held is voided, and what was captured is refunded, but only once it has been."""
    void = payment.freed - (payment.asked_back - payment.asked_refunds)
    surplus = payment.surplus - sum(payment.strays.values())
    refund = min(payment.repaid, payment.captured) + surplus - payment.asked_refunds
    let_go = VoidRequested(
        payment=payment.number,
        number=number,
        amount=books.money(void),
        reference=reference,
    )
    yield from _if_any(let_go)
    back = RefundRequested(
        payment=payment.number,
        number=number + (void > 0),
        amount=books.money(refund),
        reference=reference,
    )
    yield from _if_any(back)


def _if_any(asked: VoidRequested | RefundRequested) -> Iterable[Event]:
    if asked.amount.amount:
        yield asked


def _captures(payment: Payment, reference: str, books: Books) -> Iterable[Event]:
    for parcel, amount in payment.charged.items():
        if open := amount - payment.asked_for(parcel):
            yield CaptureRequested(
                payment=payment.number,
                parcel=parcel,
                amount=books.money(open),
                reference=reference,
                number=len(payment.captures.get(parcel, ())) + 1,
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
