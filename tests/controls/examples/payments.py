"""What became of an order's card and its voucher."""

from datetime import UTC, datetime

from bus.messages import Money
from domains.payments.messages import (
    CONTRACT,
    AuthorizationRequested,
    CaptureFailed,
    CaptureRequested,
    ChargeMoved,
    Movement,
    ParcelCharged,
    ParcelPart,
    ParcelUnpaid,
    PaymentAdjusted,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentSettled,
    PaymentsFailed,
    PaymentsSecured,
    PaymentVoided,
    Period,
    RefundBooked,
    RefundDue,
    RefundRequested,
    ReturnBooked,
    SettlementReported,
    SettlementRequested,
    Share,
    ShortfallBooked,
    SurplusBooked,
    VoidRequested,
)

TEN, FIVE = Money(1000, "BRL"), Money(500, "BRL")
CARD, VOUCHER = "prov-17", "prov-18"

_EVENTS = [
    AuthorizationRequested(
        customer_id="c-7",
        payment=1,
        type="credit_card",
        amount=TEN,
        installments=3,
        token="tok-visa",
    ),
    SettlementRequested(customer_id="c-7", payment=2, type="voucher", amount=FIVE, token=""),
    PaymentAuthorized(payment=1, type="credit_card", amount=TEN, reference=CARD),
    PaymentSettled(payment=2, type="voucher", amount=FIVE, reference=VOUCHER),
    PaymentDeclined(payment=1, type="credit_card", amount=TEN, reason="card declined"),
    PaymentsSecured(total=Money(1500, "BRL")),
    PaymentsFailed(reason="card declined"),
    ParcelCharged(
        parcel=1,
        value=TEN,
        shares=[Share(payment=1, amount=Money(900, "BRL")), Share(payment=2, amount=FIVE)],
    ),
    CaptureRequested(payment=1, parcel=1, amount=TEN, reference=CARD),
    PaymentCaptured(payment=1, parcel=1, type="credit_card", amount=TEN),
    ReturnBooked(cause_id="ordering:42", all_of_it=False, shares=[Share(payment=2, amount=FIVE)]),
    VoidRequested(payment=1, number=1, amount=TEN, reference=CARD),
    PaymentVoided(payment=1, number=1, type="credit_card", amount=TEN),
    RefundRequested(payment=2, number=1, amount=FIVE, reference=VOUCHER),
    PaymentRefunded(payment=2, number=1, type="voucher", amount=FIVE),
    CaptureFailed(
        payment=1, parcel=1, number=1, type="credit_card", amount=TEN, reason="card closed"
    ),
    ChargeMoved(parcel=1, amount=FIVE, shares=[Share(payment=2, amount=FIVE)]),
    ParcelUnpaid(parcel=1, amount=FIVE),
    RefundDue(cause_id="ordering:43", value=TEN),
    RefundBooked(set_off=FIVE, shares=[Share(payment=2, amount=FIVE)]),
    ShortfallBooked(
        payment=1,
        parcel=1,
        amount=Money(100, "BRL"),
        rule="captured-too-little",
        divergence_id="captured-too-little-o-1001-1",
    ),
    SurplusBooked(
        payment=1,
        amount=FIVE,
        rule="captured-too-much",
        divergence_id="captured-too-much-o-1001-1",
    ),
    SettlementReported(
        movements=[
            Movement(
                id="mv-4711",
                time=datetime(2026, 1, 4, 23, 30, tzinfo=UTC),
                payment=1,
                reference=CARD,
                kind="captured",
                amount=FIVE,
            )
        ],
        covered=[
            Period(until=datetime(2026, 1, 1, tzinfo=UTC)),
            Period(since=datetime(2026, 1, 4, tzinfo=UTC), until=datetime(2026, 1, 5, tzinfo=UTC)),
        ],
    ),
    PaymentAdjusted(
        payment=1,
        type="credit_card",
        currency="BRL",
        captured=-500,
        refunded=0,
        parcels=[ParcelPart(parcel=1, amount=-500)],
        unclaimed=0,
        rule="settlement-differs",
        divergence_id="settlement-differs-o-1001-1",
    ),
]
EVENTS = [("o-1001", event) for event in _EVENTS]
__all__ = ["CONTRACT", "EVENTS"]
