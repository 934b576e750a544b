"""Taking the money for what has left."""

from __future__ import annotations

from collections.abc import Sequence

from bus.decider import Refused
from bus.messages import Event
from domains.payments import refunding
from domains.payments.books import Books, Capture, Payment, Untouched
from domains.payments.messages import (
    CaptureFailed,
    CapturePayments,
    ChargeMoved,
    ParcelCharged,
    ParcelUnpaid,
    PaymentCaptured,
    RecordCapture,
    RecordCaptureFailure,
    Share,
)


def capture(command: CapturePayments, books: Untouched | Books) -> Sequence[Event]:
    """Shares the parcel's value out over the payments, the first ones first."""
    if isinstance(books, Untouched):
        raise Refused("UnknownPayments", f"Nothing was ever collected for {command.id}.")
    if command.parcel in books.parcels or command.value.amount == 0:
        return ()
    shares = books.share_out(command.value.amount)
    charged = ParcelCharged(parcel=command.parcel, value=command.value, shares=shares)
    return [charged, *_unpaid(command.parcel, command.value.amount, shares, books)]


def _unpaid(parcel: int, amount: int, shares: Sequence[Share], books: Books) -> Sequence[Event]:
    """What none of the payments has anything left for."""
    open = amount - sum(share.amount.amount for share in shares)
    return [ParcelUnpaid(parcel=parcel, amount=books.money(open))] if open else []


def captured(command: RecordCapture, books: Books) -> Sequence[Event]:
    payment = books.payment(command.payment)
    asked = _asked(payment, command.parcel, command.number)
    if payment is None or asked is None:
        return ()
    return [
        PaymentCaptured(
            payment=payment.number,
            parcel=command.parcel,
            type=payment.type,
            amount=books.money(asked.amount),
            number=command.number,
        )
    ]


def failed(command: RecordCaptureFailure, books: Books) -> Sequence[Event]:
    """What the payment doesn't give is claimed from the others, but for what is to be given back
    of it anyway."""
    payment = books.payment(command.payment)
    asked = _asked(payment, command.parcel, command.number)
    if payment is None or asked is None:
        return ()
    failure = CaptureFailed(
        payment=payment.number,
        parcel=command.parcel,
        number=command.number,
        type=payment.type,
        amount=books.money(asked.amount),
        reason=command.reason,
    )
    after = refunding.evolve(books, failure)
    return [failure, *claimed_elsewhere(command.parcel, asked.amount, payment.number, after)]


def claimed_elsewhere(parcel: int, amount: int, payment: int, books: Books) -> Sequence[Event]:
    """What the payment does not give for the parcel."""
    shares = books.share_out(max(0, amount - books.due), without=payment)
    moved = books.money(sum(share.amount.amount for share in shares))
    claims = [ChargeMoved(parcel=parcel, amount=moved, shares=shares)] if shares else []
    return [*claims, *_unpaid(parcel, amount, shares, books)]


def _asked(payment: Payment | None, parcel: int, number: int) -> Capture | None:
    """The capture, if the provider's answer to it is still awaited."""
    captures = payment.captures.get(parcel, ()) if payment is not None else ()
    asked = captures[number - 1] if 1 <= number <= len(captures) else None
    return asked if asked is not None and asked.done is None else None
