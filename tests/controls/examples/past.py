"""What each domain remembers of an order that was played elsewhere, and the entries after it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bus.messages import Event, Money
from domains.catalog.messages import PastProductRecorded
from domains.inventory.messages import Part, PastStockRecorded
from domains.ordering.messages import (
    OrderLine,
    PastCourseAccepted,
    PastOrderClosed,
    PastOrderRecorded,
)
from domains.payments.messages import PastPayment, PastPaymentsAdjusted, PastPaymentsRecorded
from domains.shipping.messages import ParcelLine, PastParcel, PastShipmentsRecorded

ORDERED, APPROVED, SENT, ARRIVED = (
    datetime(2017, 10, day, 10, 56, 33, tzinfo=UTC) for day in (2, 3, 4, 10)
)
LINE = OrderLine(
    line=1,
    sku="tea-1",
    quantity=2,
    price=Money(450, "BRL"),
    freight=Money(100, "BRL"),
    seller_id="shop",
)
ORDER = PastOrderRecorded(
    customer_id="c-7",
    lines=[LINE],
    total=Money(1000, "BRL"),
    state="delivered",
    status="delivered",
    ordered_at=ORDERED,
    approved_at=APPROVED,
    delivered_at=ARRIVED,
)
PAYMENTS = PastPaymentsRecorded(
    payments=[
        PastPayment(payment=2, type="credit_card", amount=Money(1001, "BRL"), installments=3),
        PastPayment(payment=3, type="not_defined", amount=Money(0, "BRL"), installments=0),
    ],
    total=Money(1001, "BRL"),
)
SHIPMENTS = PastShipmentsRecorded(
    parcels=[
        PastParcel(
            parcel=1,
            seller_id="shop",
            lines=[ParcelLine(line=1, sku="tea-1", quantity=2)],
            value=Money(1000, "BRL"),
            state="delivered",
            dispatched_at=SENT,
            delivered_at=ARRIVED,
        )
    ]
)
ADJUSTED = PastPaymentsAdjusted(
    change=-1,
    kept=Money(1000, "BRL"),
    rule="past-rounding",
    divergence_id="past-rounding-o-1001",
)
CLOSED = PastOrderClosed(
    rule="past-never-finished-shipped", divergence_id="past-never-finished-shipped-o-1001"
)
ACCEPTED = PastCourseAccepted(
    rule="past-left-before-approval", divergence_id="past-left-before-approval-o-1001"
)
EVENTS: Mapping[str, Sequence[tuple[str, Event]]] = {
    "catalog": [("tea-1", PastProductRecorded(name="Chá verde", category="bebidas"))],
    "ordering": [("o-1001", ORDER), ("o-1001", CLOSED), ("o-1001", ACCEPTED)],
    "inventory": [("o-1001", PastStockRecorded(parts=[Part(sku="tea-1", quantity=2)]))],
    "payments": [("o-1001", PAYMENTS), ("o-1001", ADJUSTED)],
    "shipping": [("o-1001", SHIPMENTS)],
}
