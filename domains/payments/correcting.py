"""Giving back what was taken beyond all that the books account for."""

from __future__ import annotations

from collections.abc import Sequence

from bus.decider import Refused
from bus.messages import Event
from domains.payments.books import Books, Held, Taken
from domains.payments.messages import ReturnSurplus, SurplusBooked


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
