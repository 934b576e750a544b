"""Giving money back: what is held is voided, what was taken is refunded."""

from __future__ import annotations

from collections.abc import Sequence

from bus.messages import Event
from domains.payments.books import Books, Collecting, Payment, Untouched
from domains.payments.messages import (
    PaymentRefunded,
    PaymentVoided,
    RecordRefund,
    RecordVoid,
    RefundDue,
    RefundPayments,
    ReturnBooked,
    ReturnPayments,
)


def give_back(command: ReturnPayments, books: Untouched | Books) -> Sequence[Event]:
    """Shares the value out over the payments, the last ones first.

    Captures take the first ones first, so that both meet in the middle, whichever is first.
    """
    if isinstance(books, Untouched) or command.cause_id in books.causes:
        return ()
    shares = books.share_out(_value(command, books), last_first=True)
    missing = _wanted(command, books) - sum(share.amount.amount for share in shares)
    stops = command.all_of_it and isinstance(books.stage, Collecting)
    if not shares and missing <= 0 and not stops:
        return ()
    return [
        ReturnBooked(
            cause_id=command.cause_id,
            all_of_it=command.all_of_it,
            shares=shares,
            missing=max(0, missing),
        )
    ]


def refund(command: RefundPayments, books: Untouched | Books) -> Sequence[Event]:
    """Which payments give it back, and when, follows: its parcel may not have been heard of yet."""
    if isinstance(books, Untouched) or command.cause_id in books.causes:
        return ()
    if not command.value.amount:
        return ()
    return [RefundDue(cause_id=command.cause_id, value=command.value)]


def _wanted(command: ReturnPayments, books: Books) -> int:
    """What would be given back if all of it were there."""
    return books.to_come if command.all_of_it else command.value.amount


def _value(command: ReturnPayments, books: Books) -> int:
    if command.all_of_it:
        return sum(payment.remaining for payment in books.payments)
    return command.value.amount


def voided(command: RecordVoid, books: Books) -> Sequence[Event]:
    payment = books.payment(command.payment)
    amount = _open(payment, command.number)
    if payment is None or amount is None or command.number in payment.refunds:
        return ()
    return [
        PaymentVoided(
            payment=payment.number,
            number=command.number,
            type=payment.type,
            amount=books.money(amount),
        )
    ]


def refunded(command: RecordRefund, books: Books) -> Sequence[Event]:
    payment = books.payment(command.payment)
    amount = _open(payment, command.number)
    if payment is None or amount is None or command.number not in payment.refunds:
        return ()
    return [
        PaymentRefunded(
            payment=payment.number,
            number=command.number,
            type=payment.type,
            amount=books.money(amount),
        )
    ]


def _open(payment: Payment | None, number: int) -> int | None:
    """The amount of a void or refund whose answer is still awaited."""
    return None if payment is None else payment.returns.get(number)
