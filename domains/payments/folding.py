"""How each event changes the books."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from domains.payments import moved, refunding
from domains.payments.books import (
    Asked,
    Books,
    Capture,
    Collecting,
    Declined,
    Failed,
    Failing,
    Held,
    Payment,
    Secured,
    Stopped,
    Taken,
    Untouched,
)
from domains.payments.messages import (
    AuthorizationRequested,
    CaptureRequested,
    ParcelCharged,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentSettled,
    PaymentsFailed,
    PaymentsSecured,
    PaymentVoided,
    RefundRequested,
    ReturnBooked,
    SettlementRequested,
    VoidRequested,
)
from domains.payments.refunding import answered


def evolve(books: Untouched | Books, event: object) -> Untouched | Books:
    if isinstance(books, Untouched):
        return _open(event)
    return moved.evolve(_answered(_intended(_staged(books, event), event), event), event)


def _open(event: object) -> Untouched | Books:
    match event:
        case AuthorizationRequested() | SettlementRequested() | PaymentSettled():
            return evolve(Books(event.amount.currency), event)
        case PaymentsSecured():
            return Books(event.total.currency, stage=Secured())
        case _:
            return Untouched()


def _staged(books: Books, event: object) -> Books:
    """What ordering may still be told of the payments as a whole."""
    match event, books.stage:
        case PaymentsSecured(), _:
            return replace(books, stage=Secured())
        case PaymentDeclined(), Collecting():
            return replace(books, stage=Failing(event.reason))
        case PaymentsFailed(), _:
            return replace(books, stage=Failed())
        case ReturnBooked(all_of_it=True), Collecting() | Secured():
            return replace(books, stage=Stopped())
        case _:
            return books


def _intended(books: Books, event: object) -> Books:
    """What is to be, and what the provider has been asked for."""
    match event:
        case AuthorizationRequested() | SettlementRequested():
            asked = Payment(event.payment, event.type, event.amount.amount, Asked())
            return replace(books, payments=(*books.payments, asked))
        case ParcelCharged():
            return _charge(books, event)
        case ReturnBooked():
            return _free(books, event)
        case CaptureRequested(payment=number):
            return _with(books, number, lambda p: _ask_capture(p, event))
        case VoidRequested() | RefundRequested():
            return _with(books, event.payment, lambda p: _ask_back(p, event))
        case _:
            return refunding.evolve(books, event)


def _answered(books: Books, event: object) -> Books:
    """What the provider has said."""
    match event:
        case PaymentAuthorized(payment=number, reference=reference):
            return _with(books, number, lambda p: replace(p, standing=Held(reference)))
        case PaymentSettled():
            return _settle(books, event)
        case PaymentDeclined(payment=number):
            return _with(books, number, lambda p: replace(p, standing=Declined()))
        case PaymentCaptured(payment=number):
            return _with(books, number, lambda p: answered(p, event, done=True))
        case (
            PaymentVoided(payment=payment, number=number)
            | PaymentRefunded(payment=payment, number=number)
        ):
            return _with(books, payment, lambda p: _close_return(p, number))
        case _:
            return books


def _with(books: Books, number: int, change: Callable[[Payment], Payment]) -> Books:
    payments = list(books.payments)
    payments[number - 1] = change(payments[number - 1])
    return replace(books, payments=tuple(payments))


def _settle(books: Books, event: PaymentSettled) -> Books:
    taken = Taken(event.reference)
    if books.payment(event.payment) is None:  # of amount zero: nobody was asked
        payment = Payment(event.payment, event.type, event.amount.amount, taken)
        return replace(books, payments=(*books.payments, payment))
    return _with(books, event.payment, lambda p: replace(p, standing=taken))


def _charge(books: Books, event: ParcelCharged) -> Books:
    parts = {share.payment: share.amount.amount for share in event.shares}
    payments = (_take_part(p, event.parcel, parts.get(p.number, 0)) for p in books.payments)
    return replace(
        books,
        payments=tuple(payments),
        parcels=books.parcels | {event.parcel},
        claimed=books.claimed + event.value.amount,
    )


def _take_part(payment: Payment, parcel: int, part: int) -> Payment:
    return replace(payment, charged={**payment.charged, parcel: part}) if part else payment


def _free(books: Books, event: ReturnBooked) -> Books:
    parts = {share.payment: share.amount.amount for share in event.shares}
    payments = (replace(p, freed=p.freed + parts.get(p.number, 0)) for p in books.payments)
    claimed = books.claimed + sum(parts.values()) + event.missing
    causes = books.causes | {event.cause_id}
    return replace(books, payments=tuple(payments), causes=causes, claimed=claimed)


def _ask_capture(payment: Payment, event: CaptureRequested) -> Payment:
    asked = (*payment.captures.get(event.parcel, ()), Capture(event.amount.amount))
    return replace(payment, captures={**payment.captures, event.parcel: asked})


def _ask_back(payment: Payment, event: VoidRequested | RefundRequested) -> Payment:
    amount = event.amount.amount
    if isinstance(event, RefundRequested):
        payment = replace(payment, refunds={**payment.refunds, event.number: amount})
        if event.reference in payment.strays:
            open = payment.strays[event.reference] - amount
            payment = replace(payment, strays={**payment.strays, event.reference: open})
    return replace(
        payment,
        returns={**payment.returns, event.number: amount},
        asked_back=payment.asked_back + amount,
    )


def _close_return(payment: Payment, number: int) -> Payment:
    return replace(payment, returns={**payment.returns, number: None})
