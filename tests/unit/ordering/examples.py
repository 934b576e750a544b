"""An order of two sellers' goods, and what is said of it on its way."""

from datetime import timedelta
from functools import partial

from bus.messages import Money
from bus.testing import NOW, given
from domains.ordering.domain import DOMAIN
from domains.ordering.messages import (
    CancelReason,
    OrderCancelled,
    OrderConfirmed,
    OrderLine,
    OrderPayment,
    OrderPlaced,
    PaymentRequested,
    RecordCallOff,
    RecordDelivery,
    RecordDispatch,
)
from domains.ordering.paying import TIME_TO_PAY

ordering = partial(given, DOMAIN)
HOUR = timedelta(hours=1)
SENT, SENT_LATER = NOW + HOUR, NOW + 2 * HOUR
ARRIVED, ARRIVED_LATER = NOW + 20 * HOUR, NOW + 30 * HOUR


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


TEA = OrderLine(line=1, sku="tea-1", quantity=2, price=eur(450), freight=eur(100), seller_id="shop")
POT = OrderLine(
    line=2, sku="pot-1", quantity=1, price=eur(3000), freight=eur(500), seller_id="potter"
)
CUP = OrderLine(line=3, sku="cup-1", quantity=4, price=eur(250), freight=eur(0), seller_id="shop")

PLACED = OrderPlaced(
    customer_id="c-7",
    lines=[TEA, POT, CUP],
    payments=[
        OrderPayment(payment=1, type="credit_card", amount=eur(5500), installments=3, token="visa"),
    ],
    total=eur(5500),
    ordered_at=NOW,
)
REQUESTED = PaymentRequested(
    customer_id="c-7",
    payments=PLACED.payments,
    total=PLACED.total,
    expires_at=NOW + TIME_TO_PAY,
)
CONFIRMED = OrderConfirmed(customer_id="c-7", parcels=[[TEA, CUP], [POT]], ordered_at=NOW)

PAID = (PLACED, REQUESTED, CONFIRMED)
"""An order of two parcels that nobody has sent so far."""


def cancelled(cause: CancelReason, reason: str, *, confirmed: bool = False) -> OrderCancelled:
    return OrderCancelled(
        cause=cause,
        reason=reason,
        lines=PLACED.lines,
        value=PLACED.total,
        ordered_at=NOW,
        confirmed=confirmed,
    )


def left(parcel: int) -> RecordDispatch:
    return RecordDispatch(
        id="o-1", parcel=parcel, dispatched_at=SENT if parcel == 1 else SENT_LATER
    )


def arrived(parcel: int) -> RecordDelivery:
    return RecordDelivery(
        id="o-1", parcel=parcel, delivered_at=ARRIVED if parcel == 1 else ARRIVED_LATER
    )


def called_off(parcel: int) -> RecordCallOff:
    return RecordCallOff(id="o-1", parcel=parcel, called_off=True)


def had_left(parcel: int) -> RecordCallOff:
    return RecordCallOff(id="o-1", parcel=parcel, called_off=False)
