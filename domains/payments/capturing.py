"""Taking the money for what has left."""

from __future__ import annotations

from collections.abc import Sequence

from bus.decider import Refused
from bus.messages import Event
from domains.payments.books import Books, Untouched
from domains.payments.messages import (
    CapturePayments,
    ParcelCharged,
    PaymentCaptured,
    RecordCapture,
)


def capture(command: CapturePayments, books: Untouched | Books) -> Sequence[Event]:
    """Shares the parcel's value out over the payments, the first ones first."""
    if isinstance(books, Untouched):
        raise Refused("UnknownPayments", f"Nothing was ever collected for {command.id}.")
    if command.parcel in books.parcels or command.value.amount == 0:
        return ()
    shares = books.share_out(command.value.amount)
    return [ParcelCharged(parcel=command.parcel, value=command.value, shares=shares)]


def captured(command: RecordCapture, books: Books) -> Sequence[Event]:
    payment = books.payment(command.payment)
    if payment is None or payment.captures.get(command.parcel) is not False:
        return ()
    return [
        PaymentCaptured(
            payment=payment.number,
            parcel=command.parcel,
            type=payment.type,
            amount=books.money(payment.charged[command.parcel]),
        )
    ]
