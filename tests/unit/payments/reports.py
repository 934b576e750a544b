"""What a provider's report may say of the order's money."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from bus.testing import NOW
from domains.payments.messages import (
    AdjustPayment,
    Movement,
    ParcelPart,
    PaymentAdjusted,
    Period,
    ReportSettlement,
    SettlementReported,
    SurplusBooked,
)
from tests.unit.payments.examples import TYPES, eur

RULE, FOUND = "settlement-differs", "settlement-differs-o-1-1"
DAY = timedelta(days=1)
Kind = Literal["captured", "refunded"]


def movement(
    id: str,
    payment: int,
    amount: int,
    kind: Kind = "captured",
    *,
    reference: str = "",
    time: datetime = NOW - DAY,
) -> Movement:
    return Movement(
        id=id,
        time=time,
        payment=payment,
        reference=reference or f"ch_{payment}",
        kind=kind,
        amount=eur(amount),
    )


def report(
    *movements: Movement, until: datetime = NOW, since: datetime | None = None
) -> ReportSettlement:
    return ReportSettlement(id="o-1", since=since, until=until, movements=[*movements])


def reported(
    *movements: Movement, until: datetime = NOW, since: datetime | None = None
) -> SettlementReported:
    return SettlementReported(movements=[*movements], covered=[Period(since=since, until=until)])


def adjust(payment: int, captured: int, refunded: int = 0) -> AdjustPayment:
    return AdjustPayment(
        id="o-1",
        payment=payment,
        captured=captured,
        refunded=refunded,
        rule=RULE,
        divergence_id=FOUND,
    )


def adjusted(
    payment: int,
    captured: int,
    refunded: int = 0,
    *,
    parcels: dict[int, int] | None = None,
    unclaimed: int = 0,
) -> PaymentAdjusted:
    parts = [ParcelPart(parcel=n, amount=amount) for n, amount in (parcels or {}).items()]
    return PaymentAdjusted(
        payment=payment,
        type=TYPES[payment],
        currency="EUR",
        captured=captured,
        refunded=refunded,
        parcels=parts,
        unclaimed=unclaimed,
        rule=RULE,
        divergence_id=FOUND,
    )


def surplus(payment: int, amount: int, reference: str = "") -> SurplusBooked:
    return SurplusBooked(
        payment=payment,
        amount=eur(amount),
        rule=RULE,
        divergence_id=FOUND,
        reference=reference or f"ch_{payment}",
    )
