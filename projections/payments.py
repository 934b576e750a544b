"""The view `payments`: each payment of each order, and the money by type and state.

A payment is `pending` until the provider has answered; then `declined`, `authorized` (held on
a card) or `settled` (taken in full). What was held becomes `partly_captured` and `captured`,
or `voided`; what was taken becomes `refunded` when all of it has been paid back. Where the
provider's report says otherwise than its answers, and payments follows it, so do the amounts. What
was paid elsewhere was taken there: `settled`, of the origin `history`. What entries change of that
is a row beside an order's payments, number 0, of the type `entry`: `booked`, for `adjusted` more or
less.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from bus.envelope import Recorded
from bus.questions import totals
from bus.view import Page, Paged, Query, Rows, Scalar, Source, UnknownKey, View
from domains.payments.messages import CONTRACT as PAYMENTS
from domains.payments.messages import (
    AuthorizationRequested,
    PastPayment,
    PastPaymentsAdjusted,
    PastPaymentsRecorded,
    PaymentAdjusted,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentSettled,
    PaymentVoided,
    SettlementRequested,
)

OF_ONE_PAYMENT = (
    *(AuthorizationRequested, SettlementRequested),
    *(PaymentAuthorized, PaymentSettled, PaymentDeclined),
    *(PaymentCaptured, PaymentVoided, PaymentRefunded),
    PaymentAdjusted,
)
MOVES: Mapping[type, str] = {
    PaymentCaptured: "captured",
    PaymentVoided: "voided",
    PaymentRefunded: "refunded",
}
AMOUNTS = ("amount", "authorized", "settled", "captured", "voided", "refunded", "adjusted")


class Payment(Struct, frozen=True, kw_only=True):
    """Amounts are in minor units; `amount` is what the order owes by this payment."""

    order_id: str
    payment: int
    type: str
    currency: str
    answer: str = "pending"
    amount: int = 0
    authorized: int = 0
    settled: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    adjusted: int = 0
    origin: str | None = None


class Row(Payment, frozen=True, kw_only=True):
    state: str


def keys(event: Recorded[Any]) -> Iterable[str]:
    match event.data:
        case PastPaymentsRecorded(payments=payments):
            return [f"{event.id}/{payment.payment}" for payment in payments]
        case PastPaymentsAdjusted():
            return (f"{event.id}/0",)
    return (f"{event.id}/{event.data.payment}",)


def fold(slot: Payment | None, event: Recorded[Any], key: str) -> Payment:
    data = event.data
    if isinstance(data, PastPaymentsRecorded):
        return next(
            remembered(event.id, each)
            for each in data.payments
            if key == f"{event.id}/{each.payment}"
        )
    if isinstance(data, PastPaymentsAdjusted):
        return entered(event.id, data, slot.adjusted if slot else 0)
    if isinstance(data, PaymentAdjusted) and slot is not None:
        return adjusted(slot, data)
    amount = data.amount.amount
    known = slot or Payment(
        order_id=event.id,
        payment=data.payment,
        type=data.type,
        currency=data.amount.currency,
        amount=amount,
    )
    return replace(known, **change(known, data, amount))


def remembered(order_id: str, payment: PastPayment) -> Payment:
    return Payment(
        order_id=order_id,
        payment=payment.payment,
        type=payment.type,
        currency=payment.amount.currency,
        answer="settled",
        amount=payment.amount.amount,
        settled=payment.amount.amount,
        origin="history",
    )


def entered(order_id: str, entry: PastPaymentsAdjusted, before: int) -> Payment:
    return Payment(
        order_id=order_id,
        payment=0,
        type="entry",
        currency=entry.kept.currency,
        answer="booked",
        adjusted=before + entry.change,
        origin="history",
    )


def adjusted(known: Payment, data: PaymentAdjusted) -> Payment:
    """What a card gives is captured, all else settled."""
    took = "captured" if known.type == "credit_card" else "settled"
    more = {took: getattr(known, took) + data.captured}
    return replace(known, **more, refunded=known.refunded + data.refunded)


def change(known: Payment, data: Any, amount: int) -> Mapping[str, Any]:
    """The fields that an event gives another value."""
    match data:
        case AuthorizationRequested() | SettlementRequested():
            return {"amount": amount}
        case PaymentAuthorized():
            return {"answer": "authorized", "authorized": amount}
        case PaymentSettled():
            return {"answer": "settled", "settled": amount}
        case PaymentDeclined():
            return {"answer": "declined"}
        case PaymentCaptured() | PaymentVoided() | PaymentRefunded():
            name = MOVES[type(data)]
            return {name: getattr(known, name) + amount}
    raise TypeError(f"{type(data).__name__} is no event of one payment")


def row(slots: Mapping[str, Any]) -> Row:
    return shown(slots["payments"])


def shown(payment: Payment) -> Row:
    return Row(**asdict(payment), state=state(payment))


def state(payment: Payment) -> str:
    taken = payment.settled + payment.captured
    held = payment.authorized - payment.captured - payment.voided
    if taken and payment.refunded >= taken and held <= 0:
        return "refunded"
    if payment.answer != "authorized":
        return payment.answer
    if payment.voided and payment.voided >= payment.authorized:
        return "voided"
    if payment.captured:
        rest = payment.authorized - payment.captured - payment.voided
        return "partly_captured" if rest > 0 else "captured"
    return "authorized"


class Some(Paged, frozen=True):
    """Those of one type, or in one state, or both."""

    type: str | None = None
    state: str | None = None


async def get(rows: Rows, order: str, _: Any) -> Mapping[str, Any]:
    page = await rows.find({"order_id": order}, order="payment", limit=1000)
    if not page.rows:
        raise UnknownKey(order)
    return {"order_id": order, "payments": page.rows}


async def listing(rows: Rows, _: str, asked: Some) -> Page:
    given: Mapping[str, Scalar] = {"type": asked.type, "state": asked.state}
    where = {column: value for column, value in given.items() if value is not None}
    return await rows.find(where, limit=asked.limit, after=asked.page)


VIEW = View(
    name="payments",
    version=5,
    sources=[
        Source(PAYMENTS, Payment, [*OF_ONE_PAYMENT, PastPaymentsRecorded, PastPaymentsAdjusted])
    ],
    keys=keys,
    fold=fold,
    row=row,
    columns={
        **{"order_id": str, "payment": int, "type": str, "state": str, "currency": str},
        "origin": str,
        **dict.fromkeys(AMOUNTS, int),
    },
    unindexed=["currency", "origin"],
    queries=[
        Query("get", get, keyed=True),
        totals(["type", "state", "currency", "origin"], AMOUNTS),
        Query("list", listing, Some, example='{"state":"pending"}'),
    ],
)

if __name__ == "__main__":
    from bus.views.process import run

    run(VIEW)
