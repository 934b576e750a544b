"""An order of two parcels, as its events tell it."""

from datetime import UTC, datetime

from bus.messages import Money
from domains.ordering.messages import (
    CancelReason,
    LinesCancelled,
    OrderCancelled,
    OrderConfirmed,
    OrderLine,
    OrderPayment,
    OrderPlaced,
    PaymentRequested,
)
from domains.shipping.messages import (
    ParcelLine,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentPlanned,
)

LAST_YEAR = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
LATER = datetime(2026, 1, 5, tzinfo=UTC)


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


def line(
    number: int, sku: str, quantity: int, price: int, freight: int, *, seller: str = "shop"
) -> OrderLine:
    return OrderLine(
        line=number,
        sku=sku,
        quantity=quantity,
        price=eur(price),
        freight=eur(freight),
        seller_id=seller,
    )


TEA = line(1, "tea-1", 2, 450, 100)
POT = line(2, "pot-1", 1, 3000, 500, seller="potter")
CARD = OrderPayment(payment=1, type="credit_card", amount=eur(4500), installments=1, token="")


def placed(customer: str = "c-7", ordered_at: datetime = LAST_YEAR) -> OrderPlaced:
    return OrderPlaced(
        customer_id=customer,
        lines=[TEA, POT],
        payments=[CARD],
        total=eur(4500),
        ordered_at=ordered_at,
    )


REQUESTED = PaymentRequested(customer_id="c-7", payments=[CARD], total=eur(4500), expires_at=LATER)


def confirmed(*parcels: list[OrderLine], ordered_at: datetime = LAST_YEAR) -> OrderConfirmed:
    return OrderConfirmed(
        customer_id="c-7", parcels=[*(parcels or ([TEA], [POT]))], ordered_at=ordered_at
    )


def cancelled(
    *lines: OrderLine, cause: CancelReason = "customer", was_confirmed: bool = False
) -> OrderCancelled:
    return OrderCancelled(
        cause=cause,
        reason="",
        lines=[*lines],
        value=eur(sum(line.value.amount for line in lines)),
        ordered_at=LAST_YEAR,
        confirmed=was_confirmed,
    )


def lines_cancelled(*lines: OrderLine) -> LinesCancelled:
    value = eur(sum(line.value.amount for line in lines))
    return LinesCancelled(reason="", lines=[*lines], value=value, ordered_at=LAST_YEAR)


def planned(parcel: int, of: OrderLine) -> ShipmentPlanned:
    lines = [ParcelLine(line=of.line, sku=of.sku, quantity=of.quantity)]
    return ShipmentPlanned(parcel=parcel, seller_id=of.seller_id, lines=lines, value=of.value)


def dispatched(parcel: int, of: OrderLine) -> ShipmentDispatched:
    lines = [ParcelLine(line=of.line, sku=of.sku, quantity=of.quantity)]
    return ShipmentDispatched(
        parcel=parcel,
        seller_id=of.seller_id,
        lines=lines,
        value=of.value,
        carrier="post",
        dispatched_at=LATER,
    )


def delivered(parcel: int) -> ShipmentDelivered:
    return ShipmentDelivered(parcel=parcel, delivered_at=LATER)
