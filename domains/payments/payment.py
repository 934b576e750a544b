"""The decider of an order's payments: a command's own events, and all that follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bus.decider import Decider
from bus.messages import Event
from domains.payments import capturing, collecting, correcting, following, returning
from domains.payments.books import Books, Untouched
from domains.payments.folding import evolve
from domains.payments.messages import (
    BookShortfall,
    CapturePayments,
    CollectPayments,
    RecordAuthorization,
    RecordCapture,
    RecordCaptureFailure,
    RecordDecline,
    RecordRefund,
    RecordSettlement,
    RecordVoid,
    RefundPayments,
    ReturnPayments,
    ReturnSurplus,
)


def decide(command: object, books: Untouched | Books, now: datetime) -> Sequence[Event]:
    return followed(books, _ordered(command, books))


def followed(books: Untouched | Books, news: Iterable[Event]) -> Sequence[Event]:
    """`news`, and all that follows from them."""
    events = list(news)
    if not events:
        return ()
    for follow in (following.refunds, following.requests, following.news):
        after = _fold(books, events)
        if isinstance(after, Books):
            events.extend(follow(after))
    return events


def _ordered(command: object, books: Untouched | Books) -> Sequence[Event]:
    """What ordering and shipping want."""
    match command:
        case CollectPayments():
            return collecting.collect(command, books)
        case CapturePayments():
            return capturing.capture(command, books)
        case ReturnPayments():
            return returning.give_back(command, books)
        case RefundPayments():
            return returning.refund(command, books)
        case _ if isinstance(books, Books):
            return _answered(command, books)
        case _:
            return ()


def _answered(command: object, books: Books) -> Sequence[Event]:
    """What the provider says of a payment as a whole."""
    match command:
        case ReturnSurplus():
            return correcting.return_surplus(command, books)
        case BookShortfall():
            return correcting.book_shortfall(command, books)
        case RecordAuthorization():
            return collecting.authorized(command, books)
        case RecordSettlement():
            return collecting.settled(command, books)
        case RecordDecline():
            return collecting.declined(command, books)
        case _:
            return _moved(command, books)


def _moved(command: object, books: Books) -> Sequence[Event]:
    """What the provider says of a part of a payment."""
    match command:
        case RecordCapture():
            return capturing.captured(command, books)
        case RecordCaptureFailure():
            return capturing.failed(command, books)
        case RecordVoid():
            return returning.voided(command, books)
        case RecordRefund():
            return returning.refunded(command, books)
        case _:
            return ()


def _fold(books: Untouched | Books, events: Sequence[Event]) -> Untouched | Books:
    for event in events:
        books = evolve(books, event)
    return books


PAYMENT = Decider(Untouched(), decide, evolve)
