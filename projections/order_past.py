"""What the view `orders` keeps of orders of the past: each service has told of them at once, and of
the entries that have put their books right since."""

from typing import Any

from msgspec.structs import replace

from bus.envelope import Recorded
from domains.ordering.messages import PastCourseAccepted, PastOrderClosed, PastOrderRecorded
from domains.payments.messages import PastPaymentsAdjusted, PastPaymentsRecorded
from domains.shipping.messages import PastParcel, PastShipmentsRecorded
from projections import order_slots, payments
from projections.order_slots import Entry, History, Moment, Money, Order, Parcel, Parcels


def fold(slot: Any, event: Recorded[Any], key: str) -> History:
    if isinstance(event.data, PastOrderClosed | PastCourseAccepted | PastPaymentsAdjusted):
        kept = order_slots.fold(slot, event, key)
        return replace(kept, entries=[*slot.entries, _entry(event)])
    remembered = _remembered(event)
    if remembered is None:
        return order_slots.fold(slot, event, key)
    return replace(remembered, moments=[Moment(event.time, event.type, event.position)])


def _remembered(event: Recorded[Any]) -> History | None:
    """A slot's beginning; None for what lives."""
    match event.data:
        case PastOrderRecorded() as data:
            return _order(event.id, data)
        case PastPaymentsRecorded() as data:
            paid = (payments.remembered(event.id, each) for each in data.payments)
            return Money(payments={payment.payment: payment for payment in paid})
        case PastShipmentsRecorded(parcels=parcels):
            return Parcels(parcels={parcel.parcel: _parcel(parcel) for parcel in parcels})
        case _:
            return None


def _entry(event: Recorded[Any]) -> Entry:
    data = event.data
    return Entry(
        time=event.time,
        event=event.type,
        rule=data.rule,
        divergence_id=data.divergence_id,
        change=data.change if isinstance(data, PastPaymentsAdjusted) else 0,
    )


def _order(id: str, data: PastOrderRecorded) -> Order:
    return Order(
        id=id,
        customer_id=data.customer_id,
        state=data.state,
        total=data.total.amount,
        currency=data.total.currency,
        lines=data.lines,
        ordered_at=data.ordered_at,
        cancelled=data.total.amount if data.state == "cancelled" else 0,
        origin=data.origin,
        past_status=data.status,
        approved_at=data.approved_at,
    )


def _parcel(parcel: PastParcel) -> Parcel:
    return Parcel(
        parcel=parcel.parcel,
        state=parcel.state,
        seller_id=parcel.seller_id,
        lines=parcel.lines,
        dispatched_at=parcel.dispatched_at,
        delivered_at=parcel.delivered_at,
    )
