"""An order's life, and what else could have become of it."""

from datetime import UTC, datetime

from msgspec.structs import replace

from bus.messages import Money
from domains.ordering.messages import (
    CONTRACT,
    CallOffAnswered,
    CancellationRefused,
    CancellationRequested,
    LinesCancelled,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderLine,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderPayment,
    OrderPlaced,
    OrderShipped,
    OrderUndelivered,
    ParcelLost,
    PaymentRequested,
    PriceForgotten,
    PriceNoted,
    ReplacementConfirmed,
    ReplacementDelivered,
    ReplacementRequested,
    ReplacementShipped,
    ReplacementUnavailable,
    ReturnAccepted,
    ReturnedLine,
    ReturnExpired,
    ReturnRequested,
)

ORDERED, SENT, ARRIVED, EXPIRES = (
    datetime(2017, 10, day, 10, 56, 33, tzinfo=UTC) for day in (2, 4, 10, 12)
)
TOTAL = Money(1500, "BRL")
LINES = [
    OrderLine(
        line=1,
        sku="tea-1",
        quantity=2,
        price=Money(450, "BRL"),
        freight=Money(100, "BRL"),
        seller_id="shop",
    ),
    OrderLine(
        line=2,
        sku="cup-1",
        quantity=1,
        price=Money(500, "BRL"),
        freight=Money(0, "BRL"),
        seller_id="potter",
    ),
]
ONE_BACK = [replace(LINES[0], quantity=1, freight=Money(50, "BRL"))]
PAYMENTS = [
    OrderPayment(
        payment=1,
        type="credit_card",
        amount=Money(1000, "BRL"),
        installments=3,
        token="tok-visa",
    ),
    OrderPayment(payment=2, type="voucher", amount=Money(500, "BRL"), installments=1, token=""),
]

EVENTS = [
    ("tea-1", PriceNoted(price=Money(450, "BRL"), seller_id="shop")),
    ("tea-1", PriceForgotten()),
    (
        "o-1001",
        OrderPlaced(
            customer_id="c-7", lines=LINES, payments=PAYMENTS, total=TOTAL, ordered_at=ORDERED
        ),
    ),
    (
        "o-1001",
        PaymentRequested(customer_id="c-7", payments=PAYMENTS, total=TOTAL, expires_at=EXPIRES),
    ),
    (
        "o-1001",
        OrderConfirmed(customer_id="c-7", parcels=[[line] for line in LINES], ordered_at=ORDERED),
    ),
    ("o-1001", OrderPartlyShipped(parcel=1, dispatched_at=SENT)),
    ("o-1001", OrderShipped(parcel=2, dispatched_at=SENT)),
    ("o-1001", OrderPartlyDelivered(parcel=1, delivered_at=ARRIVED)),
    ("o-1001", OrderDelivered(delivered_at=ARRIVED)),
    ("o-1001", CancellationRequested(reason="changed my mind")),
    ("o-1001", CallOffAnswered(parcel=1, called_off=False)),
    ("o-1001", CancellationRefused(reason="changed my mind")),
    (
        "o-1001",
        LinesCancelled(
            reason="changed my mind",
            lines=LINES[1:],
            value=Money(500, "BRL"),
            ordered_at=ORDERED,
        ),
    ),
    (
        "o-1001",
        OrderCancelled(
            cause="declined",
            reason="card declined",
            lines=LINES,
            value=TOTAL,
            ordered_at=ORDERED,
            confirmed=False,
        ),
    ),
    (
        "o-1001",
        ParcelLost(
            parcel=2, came_back=True, lines=LINES[1:], value=Money(500, "BRL"), ordered_at=ORDERED
        ),
    ),
    ("o-1001", OrderUndelivered()),
    (
        "o-1001",
        ReturnRequested(
            number=1,
            lines=[ReturnedLine(line=1, sku="tea-1", quantity=1)],
            reason="bitter",
            exchange=False,
            expires_at=EXPIRES,
        ),
    ),
    ("o-1001", ReturnExpired(number=1)),
    (
        "o-1001",
        ReturnAccepted(
            number=1,
            receipt=1,
            lines=ONE_BACK,
            value=Money(500, "BRL"),
            exchange=False,
            complete=True,
            ordered_at=ORDERED,
        ),
    ),
    ("o-1001", ReplacementRequested(number=2, parcel=3, lines=ONE_BACK)),
    ("o-1001", ReplacementConfirmed(parcel=3, lines=ONE_BACK)),
    (
        "o-1001",
        ReplacementUnavailable(
            parcel=3, lines=ONE_BACK, value=Money(500, "BRL"), ordered_at=ORDERED
        ),
    ),
    ("o-1001", ReplacementShipped(parcel=3, dispatched_at=SENT)),
    ("o-1001", ReplacementDelivered(parcel=3, delivered_at=ARRIVED)),
]
__all__ = ["CONTRACT", "EVENTS"]
