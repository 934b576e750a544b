"""What PAYMENTS tells of money that has moved: by the provider's answers, and by its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bus.envelope import Recorded
from domains.payments import messages as payments
from domains.payments.messages import Period

Amounts = tuple[int, ...]

ASKED: tuple[type, ...] = (
    payments.AuthorizationRequested,
    payments.SettlementRequested,
    payments.CaptureRequested,
    payments.RefundRequested,
)
ANSWERS: tuple[type, ...] = (
    payments.PaymentAuthorized,
    payments.PaymentDeclined,
    payments.PaymentSettled,
    payments.PaymentCaptured,
    payments.CaptureFailed,
    payments.PaymentRefunded,
)


class Book(Struct, frozen=True, omit_defaults=True):
    """The amounts that were taken of a payment, and those that were paid back."""

    captured: Amounts = ()
    refunded: Amounts = ()


class Settling(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By payment: `ours` as the provider has answered, and corrected since, `theirs` as its report
    says, and how many answers are still `awaited`.

    Our money moved from `first` to `last`. Reports together tell everything of the times in
    `covered`; the last one was heard at `told`, the last that said something new at `moved`.
    """

    ours: Mapping[str, Book] = {}
    theirs: Mapping[str, Book] = {}
    awaited: Mapping[str, int] = {}
    currency: str = ""
    reported_in: str = ""
    first: datetime | None = None
    last: datetime | None = None
    covered: Sequence[Period] = ()
    told: datetime | None = None
    moved: datetime | None = None

    @property
    def settled(self) -> bool:
        """Whether a report tells all of the time in which our money has moved."""
        return any(
            (period.since is None or self.first is None or period.since <= self.first)
            and (self.last is None or self.last <= period.until)
            for period in self.covered
        )


def fold(before: Settling | None, event: Recorded[Any]) -> Settling | None:
    """None as long as nothing was told of it."""
    known, data = before or Settling(), event.data
    match data:
        case payments.SettlementReported():
            return _reported(known, data, event.time)
        case payments.PaymentAdjusted():
            return _adjusted(known, data)
        case _ if isinstance(data, (*ASKED, *ANSWERS)):
            return _moved(_counted(known, data), data, event.time)
        case _:
            return before


def _counted(known: Settling, data: Any) -> Settling:
    of, change = str(data.payment), 1 if isinstance(data, ASKED) else -1
    if isinstance(data, payments.PaymentSettled) and not data.reference:
        change = 0  # of amount zero: nobody was asked
    awaited = {**known.awaited, of: known.awaited.get(of, 0) + change}
    return replace(known, awaited=awaited, currency=data.amount.currency)


def _moved(known: Settling, data: Any, time: datetime) -> Settling:
    amount, of = data.amount.amount, str(data.payment)
    book = known.ours.get(of, Book())
    match data:
        case payments.PaymentSettled() | payments.PaymentCaptured() if amount:
            book = replace(book, captured=(*book.captured, amount))
        case payments.PaymentRefunded():
            book = replace(book, refunded=(*book.refunded, amount))
        case _:
            return replace(known, ours={**known.ours, of: book})
    first = known.first or time
    return replace(known, ours={**known.ours, of: book}, first=first, last=time)


def _reported(known: Settling, data: payments.SettlementReported, time: datetime) -> Settling:
    theirs, currency = dict(known.theirs), known.reported_in
    for movement in data.movements:
        of, amount = str(movement.payment), movement.amount
        book, currency = theirs.get(of, Book()), amount.currency
        more = (*getattr(book, movement.kind), amount.amount)
        theirs[of] = replace(book, **{movement.kind: more})
    return replace(
        known,
        theirs=theirs,
        reported_in=currency,
        covered=data.covered,
        told=time,
        moved=time if data.movements else known.moved,
    )


def _adjusted(known: Settling, data: payments.PaymentAdjusted) -> Settling:
    of = str(data.payment)
    ours, theirs = known.ours.get(of, Book()), known.theirs.get(of, Book())
    book = Book(
        _followed(ours.captured, theirs.captured, data.captured),
        _followed(ours.refunded, theirs.refunded, data.refunded),
    )
    return replace(known, ours={**known.ours, of: book})


def _followed(ours: Amounts, theirs: Amounts, change: int) -> Amounts:
    """Theirs, where that makes the sums equal: so a later difference gets its own name."""
    if not change:
        return ours
    return theirs if sum(ours) + change == sum(theirs) else (*ours, change)
