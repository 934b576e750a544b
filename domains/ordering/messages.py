"""What ordering takes and tells: orders, from their placing to their end.

Ordering is the one that decides: between confirming and expiry, between cancelling and
going on. Payments and shipping are started and stopped only by its events.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bus.contract import Contract
from bus.messages import Command, Currency, Event, Id, Money, Quantity, Text

PaymentType = Literal["credit_card", "boleto", "voucher", "debit_card"]
Number = Annotated[int, Meta(ge=1, le=10_000)]
"""Counts from 1 within an order: lines, payments, parcels."""


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line as a customer orders it.

    Without `price` (for one unit) and `seller_id` it is sold as the catalog offers it;
    with a price, that one was agreed. `freight` is for the whole line.
    """

    sku: Id
    quantity: Quantity
    price: Money | None = None
    freight: Money | None = None
    seller_id: Id | None = None


class Payment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a part of an order is paid. `token` is the provider's name for the means."""

    type: PaymentType
    amount: Money
    installments: Annotated[int, Meta(ge=1, le=48)] = 1
    token: Text = ""


class OrderLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A priced line: `price` for one unit, `freight` for the whole line. `listed`: nobody agreed on
    the price, it is what the catalog asked for."""

    line: Number
    sku: Id
    quantity: Quantity
    price: Money
    freight: Money
    seller_id: Id
    listed: bool = False

    @property
    def value(self) -> Money:
        """What the customer pays for the line."""
        return self.price.times(self.quantity) + self.freight


class OrderPayment(Struct, frozen=True, kw_only=True):
    payment: Number
    type: PaymentType
    amount: Money
    installments: int
    token: Text


# What was before: an order that was played elsewhere. Nothing is done about it any more.

PastState = Literal["placed", "confirmed", "shipped", "delivered", "cancelled"]
PastTime = Annotated[datetime, Meta(tz=True)]


class RecordPastOrder(Command, tag="RecordPastOrder"):
    """Remember an order as it was, whether or not its books agreed. `status` is the word that
    was used for its `state` there. Some have no lines: hence the currency."""

    customer_id: Id
    currency: Currency
    lines: Annotated[list[OrderLine], Meta(max_length=500)]
    state: PastState
    status: Text = ""
    ordered_at: PastTime
    approved_at: PastTime | None = None
    delivered_at: PastTime | None = None


class PastOrderRecorded(Event, tag="PastOrderRecorded"):
    """`total` is what the lines cost; what was paid is payments' to tell."""

    customer_id: Id
    lines: list[OrderLine]
    total: Money
    state: PastState
    status: Text
    ordered_at: datetime
    approved_at: datetime | None
    delivered_at: datetime | None
    origin: Literal["history"] = "history"


class PastOrderClosed(Event, tag="PastOrderClosed"):
    """An entry in the books: the order was never finished, and nothing more is to come of it. It
    is as far as it was, and was not cancelled. `rule` says what was wrong, `divergence_id` who has
    found it."""

    rule: Text
    divergence_id: Id


class PastCourseAccepted(Event, tag="PastCourseAccepted"):
    """An entry in the books: the order's course, in which `rule` finds something wrong, is taken as
    it was told. What nobody wrote down stays unknown."""

    rule: Text
    divergence_id: Id


# Commands that anybody may send. The id is the order's.


class PlaceOrder(Command, tag="PlaceOrder"):
    """Order something. Without `payments`, one credit card pays for all.

    The sum of the payments must be the sum of the lines. `ordered_at` is for orders that
    were placed elsewhere before.
    """

    customer_id: Id
    lines: Annotated[list[Line], Meta(max_length=500)]
    payments: Annotated[list[Payment], Meta(max_length=100)] | None = None
    ordered_at: Annotated[datetime, Meta(tz=True)] | None = None


class CancelOrder(Command, tag="CancelOrder"):
    """Cancel what has not left yet. Before confirmation it is done at once; after it, each
    parcel's answer is awaited first."""

    reason: Text = ""


class ReturnLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    line: Number
    quantity: Quantity


class RequestReturn(Command, tag="RequestReturn"):
    """Send back what has arrived, for its money or, as an exchange, for the same once more.
    `requested_at` is for what was asked for earlier."""

    lines: Annotated[list[ReturnLine], Meta(max_length=500)]
    reason: Text = ""
    exchange: bool = False
    requested_at: Annotated[datetime, Meta(tz=True)] | None = None


# Commands that only ordering sends to itself.


class NotePrice(Command, tag="NotePrice"):
    """Keep catalog's price of a SKU (the id)."""

    price: Money
    seller_id: Id | None = None


class ForgetPrice(Command, tag="ForgetPrice"):
    pass


class RequestPayment(Command, tag="RequestPayment"):
    """The stock is reserved."""


class RejectOrder(Command, tag="RejectOrder"):
    """The stock can't be reserved."""


class ConfirmOrder(Command, tag="ConfirmOrder"):
    """All payments are there."""


class FailPayment(Command, tag="FailPayment"):
    """A payment was declined, and the others have been given back."""

    reason: Text


class ExpireOrder(Command, tag="ExpireOrder"):
    """The time to pay is over."""


class RecordDispatch(Command, tag="RecordDispatch"):
    parcel: Number
    dispatched_at: datetime


class RecordDelivery(Command, tag="RecordDelivery"):
    parcel: Number
    delivered_at: datetime


class RecordCallOff(Command, tag="RecordCallOff"):
    """Shipping's answer to a cancellation, for one parcel."""

    parcel: Number
    called_off: bool


class RecordLoss(Command, tag="RecordLoss"):
    """A parcel that had left will not arrive; `came_back` to the sender, or lost."""

    parcel: Number
    came_back: bool


class ExpireReturn(Command, tag="ExpireReturn"):
    """The time to send it back is over."""

    number: Number


class AcceptReturn(Command, tag="AcceptReturn"):
    """Inventory has got these units of a return, in its `receipt`-th parcel."""

    number: Number
    receipt: int
    lines: list[ReturnLine]
    complete: bool


class ConfirmReplacement(Command, tag="ConfirmReplacement"):
    """The replacement's units are reserved."""

    parcel: Number


class RefuseReplacement(Command, tag="RefuseReplacement"):
    """They can't be had."""

    parcel: Number


class ClosePastOrder(Command, tag="ClosePastOrder"):
    """Reconciliation has found that an order of the past was never finished."""

    rule: Text
    divergence_id: Id


class AcceptPastCourse(Command, tag="AcceptPastCourse"):
    """Reconciliation has found that an order of the past can't have gone as it was told."""

    rule: Text
    divergence_id: Id


# Events of an order.


class OrderPlaced(Event, tag="OrderPlaced"):
    customer_id: Id
    lines: list[OrderLine]
    payments: list[OrderPayment]
    total: Money
    ordered_at: datetime


class PaymentRequested(Event, tag="PaymentRequested"):
    """The stock is there: ask for the money, until `expires_at`."""

    customer_id: Id
    payments: list[OrderPayment]
    total: Money
    expires_at: datetime


class OrderConfirmed(Event, tag="OrderConfirmed"):
    """Paid. One parcel a seller; `parcels[i]` is parcel number i + 1."""

    customer_id: Id
    parcels: list[list[OrderLine]]
    ordered_at: datetime


class OrderPartlyShipped(Event, tag="OrderPartlyShipped"):
    parcel: Number
    dispatched_at: datetime


class OrderShipped(Event, tag="OrderShipped"):
    """The last parcel has left. Where the parcels it waited for were called off, it names
    one that was told of in OrderPartlyShipped before."""

    parcel: Number
    dispatched_at: datetime


class OrderPartlyDelivered(Event, tag="OrderPartlyDelivered"):
    """A parcel has arrived, others have not."""

    parcel: Number
    delivered_at: datetime


class OrderDelivered(Event, tag="OrderDelivered"):
    """The last parcel has arrived."""

    delivered_at: datetime


class CancellationRequested(Event, tag="CancellationRequested"):
    reason: Text


class CallOffAnswered(Event, tag="CallOffAnswered"):
    """Shipping has answered for one parcel; other answers are still to come."""

    parcel: Number
    called_off: bool


class CancellationRefused(Event, tag="CancellationRefused"):
    """Every parcel had left."""

    reason: Text


class LinesCancelled(Event, tag="LinesCancelled"):
    """Some parcels were called off, the others had left. `value` is what the lines cost."""

    reason: Text
    lines: list[OrderLine]
    value: Money
    ordered_at: datetime


CancelReason = Literal["customer", "unavailable", "declined", "expired"]


class OrderCancelled(Event, tag="OrderCancelled"):
    """Nothing of the order will be sent. `lines` and `value` are what that frees; `cause`
    says who ended it, `reason` is what they said; `confirmed` whether it counted as sold."""

    cause: CancelReason
    reason: Text
    lines: list[OrderLine]
    value: Money
    ordered_at: datetime
    confirmed: bool


class ParcelLost(Event, tag="ParcelLost"):
    """A parcel left and will not arrive; `came_back` to the sender, whole. Its lines are not sold
    after all, and `value` is to be given back."""

    parcel: Number
    came_back: bool
    lines: list[OrderLine]
    value: Money
    ordered_at: datetime


class OrderUndelivered(Event, tag="OrderUndelivered"):
    """The end of an order of which no parcel arrived, though some had left."""


class ReturnedLine(Struct, frozen=True, kw_only=True):
    line: Number
    sku: Id
    quantity: Quantity


class ReturnRequested(Event, tag="ReturnRequested"):
    """Expect these until `expires_at`. `number` counts the order's returns from 1."""

    number: Number
    lines: list[ReturnedLine]
    reason: Text
    exchange: bool
    expires_at: datetime


class ReturnExpired(Event, tag="ReturnExpired"):
    """What has not come back by now is not expected any more."""

    number: Number


class ReturnAccepted(Event, tag="ReturnAccepted"):
    """The units of `lines` have come back, in the return's `receipt`-th parcel. Each line's freight
    is the part that falls to them, so that all returns of a line add up to the line's value.

    `value` is to be given back: what the lines cost, and nothing for an exchange, whose
    replacement is asked for in the same breath. `complete`: nothing more is expected.
    """

    number: Number
    receipt: int
    lines: list[OrderLine]
    value: Money
    exchange: bool
    complete: bool
    ordered_at: datetime


class ReplacementRequested(Event, tag="ReplacementRequested"):
    """Keep these units for the order's further parcel, instead of what came back."""

    number: Number
    parcel: Number
    lines: list[OrderLine]


class ReplacementConfirmed(Event, tag="ReplacementConfirmed"):
    """The units are kept: the parcel can be sent. Nothing is to be paid for it."""

    parcel: Number
    lines: list[OrderLine]


class ReplacementUnavailable(Event, tag="ReplacementUnavailable"):
    """The units can't be had: `value`, what the lines cost, is to be given back instead."""

    parcel: Number
    lines: list[OrderLine]
    value: Money
    ordered_at: datetime


class ReplacementShipped(Event, tag="ReplacementShipped"):
    parcel: Number
    dispatched_at: datetime


class ReplacementDelivered(Event, tag="ReplacementDelivered"):
    parcel: Number
    delivered_at: datetime


# Events of ordering's own copy of a price; the id is the SKU.


class PriceNoted(Event, tag="PriceNoted"):
    price: Money
    seller_id: Id


class PriceForgotten(Event, tag="PriceForgotten"):
    pass


# How long an order may stay in each of its states before somebody must look.

DEADLINES: Mapping[str, timedelta] = {
    "placed": timedelta(hours=1),
    "awaiting_payment": timedelta(days=11),  # a day more than there is time to pay
    "confirmed": timedelta(days=14),
    "cancelling": timedelta(hours=1),
    "shipped": timedelta(days=60),
}
"""From the last news of it, from any service. The other states are ends."""

CONTRACT = Contract(
    domain="ordering",
    commands={"order": (PlaceOrder, CancelOrder, RequestReturn, RecordPastOrder)},
    internal={
        "order": (
            RequestPayment,
            RejectOrder,
            ConfirmOrder,
            FailPayment,
            ExpireOrder,
            RecordDispatch,
            RecordDelivery,
            RecordCallOff,
            RecordLoss,
            ExpireReturn,
            AcceptReturn,
            ConfirmReplacement,
            RefuseReplacement,
            ClosePastOrder,
            AcceptPastCourse,
        ),
        "price": (NotePrice, ForgetPrice),
    },
    events={
        "order": (
            OrderPlaced,
            PaymentRequested,
            OrderConfirmed,
            OrderPartlyShipped,
            OrderShipped,
            OrderPartlyDelivered,
            OrderDelivered,
            CancellationRequested,
            CallOffAnswered,
            CancellationRefused,
            LinesCancelled,
            OrderCancelled,
            ParcelLost,
            OrderUndelivered,
            ReturnRequested,
            ReturnExpired,
            ReturnAccepted,
            ReplacementRequested,
            ReplacementConfirmed,
            ReplacementUnavailable,
            ReplacementShipped,
            ReplacementDelivered,
            PastOrderRecorded,
            PastOrderClosed,
            PastCourseAccepted,
        ),
        "price": (PriceNoted, PriceForgotten),
    },
)
