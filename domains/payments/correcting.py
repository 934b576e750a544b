"""Giving back what was taken beyond all that the books account for, and claiming elsewhere what was
not taken."""

from __future__ import annotations

from collections.abc import Sequence

from bus.decider import Refused
from bus.messages import Event
from domains.payments import refunding
from domains.payments.books import Books, Held, Taken
from domains.payments.capturing import claimed_elsewhere
from domains.payments.messages import (
    BookShortfall,
    ReturnSurplus,
    ShortfallBooked,
    SurplusBooked,
)


def return_surplus(command: ReturnSurplus, books: Books) -> Sequence[Event]:
    """The refund follows from the booking; `following.py` asks the provider for it."""
    payment = books.payment(command.payment)
    if payment is None or not isinstance(payment.standing, Held | Taken):
        raise Refused("NothingTaken", f"Payment {command.payment} of {command.id} has nothing.")
    return [
        SurplusBooked(
            payment=command.payment,
            amount=command.amount,
            rule=command.rule,
            divergence_id=command.divergence_id,
        )
    ]


def book_shortfall(command: BookShortfall, books: Books) -> Sequence[Event]:
    """Nothing, where no capture of the payment lacks anything."""
    payment = books.payment(command.payment)
    if payment is None:
        raise Refused("UnknownPayment", f"{command.id} has no payment {command.payment}.")
    events: list[Event] = []
    for parcel in payment.captures:
        if lacking := payment.lacking(parcel):
            booked = ShortfallBooked(
                payment=payment.number,
                parcel=parcel,
                amount=books.money(lacking),
                rule=command.rule,
                divergence_id=command.divergence_id,
            )
            books = refunding.evolve(books, booked)
            claims = claimed_elsewhere(parcel, lacking, payment.number, books)
            for claim in claims:
                books = refunding.evolve(books, claim)
            events += [booked, *claims]
    return events
