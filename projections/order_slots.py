"""What the view `orders` keeps of each service's stream: one slot each, folded by itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bus.envelope import Recorded
from domains.ordering.messages import (
    CancellationRefused,
    CancellationRequested,
    LinesCancelled,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderLine,
    OrderPartlyShipped,
    OrderPlaced,
    OrderShipped,
    OrderUndelivered,
    ParcelLost,
    PaymentRequested,
    ReplacementUnavailable,
    ReturnAccepted,
)
from domains.payments.messages import ParcelUnpaid, PaymentAdjusted, RefundBooked
from domains.shipping.messages import (
    DeliveryFailed,
    ParcelLine,
    ParcelWithdrawn,
    ShipmentCalledOff,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
    ShipmentPlanned,
)
from projections.payments import OF_ONE_PAYMENT, Payment
from projections.payments import fold as fold_payment

STATES: Mapping[type, str] = {
    PaymentRequested: "awaiting_payment",
    OrderConfirmed: "confirmed",
    OrderPartlyShipped: "partly_shipped",
    OrderShipped: "shipped",
    OrderDelivered: "delivered",
    OrderUndelivered: "undelivered",
}


class Moment(Struct, frozen=True, array_like=True):
    time: datetime
    event: str
    position: int


class Entry(Struct, frozen=True, kw_only=True):
    """What has put the books of an order of the past right. `change` is what more, or less, is
    kept of what was paid."""

    time: datetime
    event: str
    rule: str
    divergence_id: str
    change: int = 0


class History(Struct, frozen=True, kw_only=True):
    """A slot: one service's part of what happened."""

    moments: Sequence[Moment] = ()


class Order(History, frozen=True, kw_only=True):
    """`state` is that of the order by itself, beside any cancellation under way. Orders of the past
    have an `origin`, and the word for their state that was used there."""

    id: str
    customer_id: str
    state: str
    total: int
    currency: str
    lines: Sequence[OrderLine]
    ordered_at: datetime
    cancelling: bool = False
    cancel_cause: str | None = None
    cancelled: int = 0
    returned: int = 0
    origin: str | None = None
    past_status: str | None = None
    approved_at: datetime | None = None
    entries: Sequence[Entry] = ()


class Money(History, frozen=True, kw_only=True):
    payments: Mapping[int, Payment] = {}
    unpaid: int = 0
    entries: Sequence[Entry] = ()


class Parcel(Struct, frozen=True, kw_only=True):
    parcel: int
    state: str
    seller_id: str = ""
    lines: Sequence[ParcelLine] = ()
    carrier: str = ""
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    replacement: bool = False


class Parcels(History, frozen=True, kw_only=True):
    parcels: Mapping[int, Parcel] = {}


def fold(slot: Any, event: Recorded[Any], key: str) -> History:
    """Every event of the order is a moment of its history; some say more."""
    match event.domain:
        case "ordering":
            next_slot: History = fold_order(slot, event)
        case "payments":
            next_slot = fold_money(slot or Money(), event)
        case "shipping":
            next_slot = fold_parcels(slot or Parcels(), event)
        case _:
            next_slot = slot or History()
    moment = Moment(event.time, event.type, event.position)
    return replace(next_slot, moments=[*next_slot.moments, moment])


def fold_order(order: Order, event: Recorded[Any]) -> Order:  # noqa: PLR0911
    match event.data:
        case OrderPlaced() as data:
            return placed(event.id, data)
        case CancellationRequested():
            return replace(order, cancelling=True)
        case CancellationRefused():
            return replace(order, cancelling=False)
        case LinesCancelled(value=value):
            return replace(order, cancelling=False, cancelled=order.cancelled + value.amount)
        case OrderCancelled() as data:
            return cancelled(order, data)
        case (
            ReturnAccepted(value=value)
            | ParcelLost(value=value)
            | ReplacementUnavailable(value=value)
        ):
            return replace(order, returned=order.returned + value.amount)
    state = STATES.get(type(event.data), order.state)
    return replace(order, state=state)


def placed(id: str, data: OrderPlaced) -> Order:
    return Order(
        id=id,
        customer_id=data.customer_id,
        state="placed",
        total=data.total.amount,
        currency=data.total.currency,
        lines=data.lines,
        ordered_at=data.ordered_at,
    )


def cancelled(order: Order, data: OrderCancelled) -> Order:
    return replace(
        order,
        state="cancelled",
        cancelling=False,
        cancel_cause=data.cause,
        cancelled=order.cancelled + data.value.amount,
    )


def fold_money(money: Money, event: Recorded[Any]) -> Money:
    match event.data:
        case ParcelUnpaid(amount=amount):
            return replace(money, unpaid=money.unpaid + amount.amount)
        case RefundBooked(set_off=set_off):
            return replace(money, unpaid=money.unpaid - set_off.amount)
        case PaymentAdjusted(parcels=parts):
            paid = sum(max(0, part.amount) for part in parts)
            money = replace(money, unpaid=money.unpaid - paid)
    if not isinstance(event.data, OF_ONE_PAYMENT):
        return money
    number = event.data.payment
    payment = fold_payment(money.payments.get(number), event, "")
    return replace(money, payments={**money.payments, number: payment})


def fold_parcels(slot: Parcels, event: Recorded[Any]) -> Parcels:
    number = event.data.parcel
    known = slot.parcels.get(number)
    parcel = known or Parcel(parcel=number, state="planned")
    match event.data:
        case ShipmentPlanned(seller_id=seller_id, lines=lines, replacement=again):
            parcel = replace(parcel, seller_id=seller_id, lines=lines, replacement=again)
        case ShipmentDispatched(carrier=carrier, dispatched_at=at):
            parcel = replace(parcel, state="dispatched", carrier=carrier, dispatched_at=at)
        case ShipmentDelivered(delivered_at=at):
            parcel = replace(parcel, state="delivered", delivered_at=at)
        case DeliveryFailed():
            parcel = replace(parcel, state="failed")
        case ShipmentLost():
            parcel = replace(parcel, state="lost")
        case ShipmentCalledOff() | ParcelWithdrawn():
            parcel = replace(parcel, state="called_off")
    return replace(slot, parcels={**slot.parcels, number: parcel})
