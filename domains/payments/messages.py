"""What payments takes and tells: an order's money, as the provider has it.

The aggregate `payment` is all payments of one order, numbered as the order numbers them;
the id is the order's. Nobody outside sends commands, but for what is of the past: ordering and
shipping say what to do, the provider says what happened.

The aggregate `settlement` is an outside book of the same money, under the same id: what the
provider's settlement report says of the order.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bus.contract import Contract
from bus.messages import Command, Currency, Event, Id, Money, Text

PaymentType = Literal["credit_card", "boleto", "voucher", "debit_card"]


Signed = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Time = Annotated[datetime, Meta(tz=True)]


class Share(Struct, frozen=True, kw_only=True):
    """The part of an amount that falls to one of the order's payments."""

    payment: int
    amount: Money


# What was before: an order's money, as it was paid elsewhere. Nobody is asked for any of it.


class PastPayment(Struct, frozen=True, kw_only=True):
    """All of `amount` was paid and kept, which may be nothing. Numbers are as they were given
    there, and need not start at 1."""

    payment: Annotated[int, Meta(ge=1, le=10_000)]
    type: PaymentType | Literal["not_defined"]
    amount: Money
    installments: Annotated[int, Meta(ge=0, le=1000)] = 1


class RecordPastPayments(Command, tag="RecordPastPayments"):
    """Remember all payments of an order as they were: none, or more or less than it cost."""

    currency: Currency
    payments: Annotated[list[PastPayment], Meta(max_length=500)]


class PastPaymentsRecorded(Event, tag="PastPaymentsRecorded"):
    """`total` is what the customer paid and the shop kept."""

    payments: list[PastPayment]
    total: Money
    origin: Literal["history"] = "history"


class PastPaymentsAdjusted(Event, tag="PastPaymentsAdjusted"):
    """An entry in the books: `change` more (or less) is kept of what was paid elsewhere, `kept` in
    all. Nobody is asked for it and nobody gets it back. `rule` says what was wrong,
    `divergence_id` who has found it."""

    change: int
    kept: Money
    rule: Text
    divergence_id: Id


# An outside book: the provider's settlement report, which anybody may hand in.

MOST_MOVEMENTS = 1000
"""Of one order, in one report."""
MovementId = Annotated[
    str,
    Meta(pattern=r"^[!-~]{1,100}$(?!\n)", description="1 to 100 printable characters, no spaces"),
]


class Movement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money that has moved at the provider, under its own `id` of that: `captured` is what it took,
    also at once, `refunded` what it paid back. `reference` is its name for the authorisation or
    the settlement that this is of."""

    id: MovementId
    time: Time
    payment: Annotated[int, Meta(ge=1, le=10_000)]
    reference: Annotated[Text, Meta(min_length=1)]
    kind: Literal["captured", "refunded"]
    amount: Money


class Period(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `since` from the beginning."""

    since: Time | None = None
    until: Time


class ReportSettlement(Command, tag="ReportSettlement"):
    """All movements of the order's money from `since` to `until`, as the provider reports them;
    without `since`, those that no earlier report has told of."""

    since: Time | None = None
    until: Time
    movements: Annotated[list[Movement], Meta(max_length=MOST_MOVEMENTS)]


class SettlementReported(Event, tag="SettlementReported"):
    """`movements` are those that no report had told of, `covered` the times of which all
    reports together tell everything."""

    movements: list[Movement]
    covered: list[Period]


# Commands that only payments sends to itself: what ordering and shipping want.


class CollectPayments(Command, tag="CollectPayments"):
    """Authorise the cards, settle the rest. One entry a payment, in the order's order."""

    customer_id: Id
    total: Money
    types: list[PaymentType]
    amounts: list[Money]
    installments: list[int]
    tokens: list[Text]


class CapturePayments(Command, tag="CapturePayments"):
    """A parcel worth `value` has left."""

    parcel: int
    value: Money


class ReturnPayments(Command, tag="ReturnPayments"):
    """Give back exactly `value`; `all_of_it` stops whatever is still being asked, too."""

    value: Money
    all_of_it: bool
    cause_id: Text


class RefundPayments(Command, tag="RefundPayments"):
    """Give back exactly `value` of what parcels have taken: they came back, or never arrived."""

    value: Money
    cause_id: Text


class ReturnSurplus(Command, tag="ReturnSurplus"):
    """Reconciliation has found that so much more was taken than the books account for."""

    payment: int
    amount: Money
    rule: Text
    divergence_id: Id


class AdjustPastPayments(Command, tag="AdjustPastPayments"):
    """Reconciliation has found that of what was paid elsewhere `kept` is to be counted as kept."""

    kept: Money
    rule: Text
    divergence_id: Id


class BookShortfall(Command, tag="BookShortfall"):
    """Reconciliation has found that the provider took less than it was asked for."""

    payment: int
    rule: Text
    divergence_id: Id


class AdjustPayment(Command, tag="AdjustPayment"):
    """Reconciliation has found that the provider's report says so much more, or less."""

    payment: int
    captured: Signed
    refunded: Signed
    rule: Text
    divergence_id: Id


# … and what the provider has answered.


class RecordAuthorization(Command, tag="RecordAuthorization"):
    payment: int
    reference: Text


class RecordSettlement(Command, tag="RecordSettlement"):
    payment: int
    reference: Text


class RecordDecline(Command, tag="RecordDecline"):
    payment: int
    reason: Text


class RecordCapture(Command, tag="RecordCapture"):
    payment: int
    parcel: int
    amount: Money
    number: int = 1


class RecordCaptureFailure(Command, tag="RecordCaptureFailure"):
    """The provider won't take what it holds."""

    payment: int
    parcel: int
    number: int = 1
    reason: Text


class RecordVoid(Command, tag="RecordVoid"):
    """`number` counts the payment's voids and refunds from 1, as the request had it."""

    payment: int
    number: int = 1
    amount: Money


class RecordRefund(Command, tag="RecordRefund"):
    payment: int
    number: int = 1
    amount: Money


# Events. The requests are intents: each leads to one call, under the event's own id.


class AuthorizationRequested(Event, tag="AuthorizationRequested"):
    """Ask the provider to hold `amount` on a card."""

    customer_id: Id
    payment: int
    type: PaymentType
    amount: Money
    installments: int
    token: Text


class SettlementRequested(Event, tag="SettlementRequested"):
    """Ask the provider to take `amount` in full; a boleto may take days."""

    customer_id: Id
    payment: int
    type: PaymentType
    amount: Money
    token: Text


class PaymentAuthorized(Event, tag="PaymentAuthorized"):
    payment: int
    type: PaymentType
    amount: Money
    reference: Text


class PaymentSettled(Event, tag="PaymentSettled"):
    payment: int
    type: PaymentType
    amount: Money
    reference: Text


class PaymentDeclined(Event, tag="PaymentDeclined"):
    payment: int
    type: PaymentType
    amount: Money
    reason: Text


class PaymentsSecured(Event, tag="PaymentsSecured"):
    """Every payment of the order is authorised or settled."""

    total: Money


class PaymentsFailed(Event, tag="PaymentsFailed"):
    """One was declined, and whatever the others held or took is being given back."""

    reason: Text


class ParcelCharged(Event, tag="ParcelCharged"):
    """A parcel worth `value` has left, and `shares` say which payments pay for it.

    Cards are captured for their share; the others have been taken in full already.
    """

    parcel: int
    value: Money
    shares: list[Share]


class CaptureRequested(Event, tag="CaptureRequested"):
    """`number` counts the payment's captures for the parcel from 1."""

    payment: int
    parcel: int
    amount: Money
    reference: Text
    number: int = 1


class PaymentCaptured(Event, tag="PaymentCaptured"):
    payment: int
    parcel: int
    type: PaymentType
    amount: Money
    number: int = 1


class CaptureFailed(Event, tag="CaptureFailed"):
    """The payment gives nothing for the parcel: what was held for it is let go."""

    payment: int
    parcel: int
    number: int
    type: PaymentType
    amount: Money
    reason: Text


class ChargeMoved(Event, tag="ChargeMoved"):
    """`amount` of a parcel, whose capture failed, is claimed from other payments."""

    parcel: int
    amount: Money
    shares: list[Share]


class ParcelUnpaid(Event, tag="ParcelUnpaid"):
    """The parcel has left, and no payment of the order has anything left to pay this with."""

    parcel: int
    amount: Money


class RefundDue(Event, tag="RefundDue"):
    """`value` of what parcels have taken, or will have, is to be given back."""

    cause_id: Text
    value: Money


class RefundBooked(Event, tag="RefundBooked"):
    """`shares` say which payments give back how much of what is due; `set_off` is what parcels left
    unpaid, so that there is nothing to give back."""

    set_off: Money
    shares: list[Share]


class ReturnBooked(Event, tag="ReturnBooked"):
    """`shares` say which payments give back how much, because of `cause_id`.

    What is held or taken is voided or refunded at once, what is still being asked for when
    the provider's answer is there. `all_of_it`: nothing more is to be collected. `missing` is what
    was to be given back and was never there.
    """

    cause_id: Text
    all_of_it: bool
    shares: list[Share]
    missing: int = 0


class VoidRequested(Event, tag="VoidRequested"):
    """Ask the provider to let go of `amount` that is held.

    `number` counts the payment's voids and refunds from 1.
    """

    payment: int
    number: int = 1
    amount: Money
    reference: Text


class PaymentVoided(Event, tag="PaymentVoided"):
    payment: int
    number: int = 1
    type: PaymentType
    amount: Money


class RefundRequested(Event, tag="RefundRequested"):
    """Ask the provider to pay back `amount` that was taken."""

    payment: int
    number: int = 1
    amount: Money
    reference: Text


class PaymentRefunded(Event, tag="PaymentRefunded"):
    payment: int
    number: int = 1
    type: PaymentType
    amount: Money


class SurplusBooked(Event, tag="SurplusBooked"):
    """`amount` was taken beyond all that parcels were charged with: it is to be paid back. `rule`
    says what was wrong, `divergence_id` who has found it. `reference` is there where a report
    has told of it: so it is called at the provider."""

    payment: int
    amount: Money
    rule: Text
    divergence_id: Id
    reference: Text = ""


class ShortfallBooked(Event, tag="ShortfallBooked"):
    """The provider took `amount` less for the parcel than it was asked for: the payment gives no
    more for it, and what is held of it is let go. `rule` says what was wrong, `divergence_id` who
    has found it."""

    payment: int
    parcel: int
    amount: Money
    rule: Text
    divergence_id: Id


class ParcelPart(Struct, frozen=True, kw_only=True):
    parcel: int
    amount: Signed


class PaymentAdjusted(Event, tag="PaymentAdjusted"):
    """The provider's report says that it took so much more of the payment, or less, and paid back
    so much more, or less: payments' books follow it. Amounts are in minor units of `currency`.

    Of what is kept by that, `parcels` says how much more or less of which parcel it pays, and
    `unclaimed` of none yet; the rest is a surplus. What a card did not give is not held any more:
    reports come late, and holds lapse.
    """

    payment: int
    type: PaymentType
    currency: Currency
    captured: Signed
    refunded: Signed
    parcels: list[ParcelPart]
    unclaimed: Signed
    rule: Text
    divergence_id: Id


HELD_FOR = timedelta(days=30)
"""How long money may be held on a card before somebody must look."""

CONTRACT = Contract(
    domain="payments",
    commands={"payment": (RecordPastPayments,), "settlement": (ReportSettlement,)},
    internal={
        "payment": (
            CollectPayments,
            CapturePayments,
            ReturnPayments,
            RefundPayments,
            ReturnSurplus,
            AdjustPastPayments,
            BookShortfall,
            AdjustPayment,
            RecordAuthorization,
            RecordSettlement,
            RecordDecline,
            RecordCapture,
            RecordCaptureFailure,
            RecordVoid,
            RecordRefund,
        ),
    },
    events={
        "payment": (
            AuthorizationRequested,
            SettlementRequested,
            PaymentAuthorized,
            PaymentSettled,
            PaymentDeclined,
            PaymentsSecured,
            PaymentsFailed,
            ParcelCharged,
            CaptureRequested,
            PaymentCaptured,
            CaptureFailed,
            ChargeMoved,
            ParcelUnpaid,
            ReturnBooked,
            RefundDue,
            RefundBooked,
            VoidRequested,
            PaymentVoided,
            RefundRequested,
            PaymentRefunded,
            SurplusBooked,
            ShortfallBooked,
            PaymentAdjusted,
            PastPaymentsRecorded,
            PastPaymentsAdjusted,
        ),
        "settlement": (SettlementReported,),
    },
)
