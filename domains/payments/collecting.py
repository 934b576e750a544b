"""Getting an order's money together: what is asked of the provider, and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bus.messages import Event, Id, Money, Text
from domains.payments.books import Asked, Books, Payment, Untouched
from domains.payments.messages import (
    AuthorizationRequested,
    CollectPayments,
    PaymentAuthorized,
    PaymentDeclined,
    PaymentSettled,
    PaymentsSecured,
    PaymentType,
    RecordAuthorization,
    RecordDecline,
    RecordSettlement,
    ReturnBooked,
    SettlementRequested,
)

DECLINED = "declined"
"""The cause of giving back what the order's other payments hold."""


def collect(command: CollectPayments, books: Untouched | Books) -> Sequence[Event]:
    if isinstance(books, Books):
        return ()
    means = zip(command.types, command.amounts, command.installments, command.tokens, strict=True)
    asked = [_ask(command.customer_id, n, _Means(*each)) for n, each in enumerate(means, 1)]
    return asked or [PaymentsSecured(total=command.total)]


class _Means(NamedTuple):
    type: PaymentType
    amount: Money
    installments: int
    token: Text


def _ask(customer: Id, number: int, means: _Means) -> Event:
    if means.amount.amount == 0:
        return PaymentSettled(payment=number, type=means.type, amount=means.amount, reference="")
    if means.type == "credit_card":
        return AuthorizationRequested(
            customer_id=customer,
            payment=number,
            type=means.type,
            amount=means.amount,
            installments=means.installments,
            token=means.token,
        )
    return SettlementRequested(
        customer_id=customer,
        payment=number,
        type=means.type,
        amount=means.amount,
        token=means.token,
    )


def authorized(command: RecordAuthorization, books: Books) -> Sequence[Event]:
    payment = _asked(command.payment, books)
    if payment is None or payment.type != "credit_card":
        return ()
    return [
        PaymentAuthorized(
            payment=payment.number,
            type=payment.type,
            amount=books.money(payment.amount),
            reference=command.reference,
        )
    ]


def settled(command: RecordSettlement, books: Books) -> Sequence[Event]:
    payment = _asked(command.payment, books)
    if payment is None or payment.type == "credit_card":
        return ()
    return [
        PaymentSettled(
            payment=payment.number,
            type=payment.type,
            amount=books.money(payment.amount),
            reference=command.reference,
        )
    ]


def declined(command: RecordDecline, books: Books) -> Sequence[Event]:
    """The first decline gives back all others; after it, nothing remains to be given back."""
    payment = _asked(command.payment, books)
    if payment is None:
        return ()
    decline = PaymentDeclined(
        payment=payment.number,
        type=payment.type,
        amount=books.money(payment.amount),
        reason=command.reason,
    )
    return [decline, *_give_back_others(payment, books)]


def _give_back_others(declined: Payment, books: Books) -> Sequence[Event]:
    everything = sum(payment.remaining for payment in books.payments)
    shares = [
        share
        for share in books.share_out(everything, last_first=True)
        if share.payment != declined.number
    ]
    return [ReturnBooked(cause_id=DECLINED, all_of_it=True, shares=shares)] if shares else []


def _asked(number: int, books: Books) -> Payment | None:
    """The payment, if the provider's answer to it is still awaited."""
    payment = books.payment(number)
    return payment if payment is not None and isinstance(payment.standing, Asked) else None
