"""Orders of the past, and what the rules find in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from bus.messages import Event, Money
from bus.testing import at
from bus.testing.told import told
from domains.ordering.messages import PastOrderRecorded
from domains.payments.messages import PastPayment, PastPaymentsAdjusted, PastPaymentsRecorded
from domains.shipping.messages import PastShipmentsRecorded
from projections.reconciliation import VIEW
from tests.controls.examples.past import ORDER, SHIPMENTS

COST = ORDER.total.amount
(PARCEL,) = SHIPMENTS.parcels
EMPTY = replace(ORDER, lines=[], total=Money(0, "BRL"))
NOTHING_SENT = PastShipmentsRecorded(parcels=[])


def brl(cents: int) -> Money:
    return Money(cents, "BRL")


def paid(*cents: int) -> PastPaymentsRecorded:
    payments = [
        PastPayment(payment=number, type="boleto", amount=brl(each))
        for number, each in enumerate(cents, 1)
    ]
    return PastPaymentsRecorded(payments=payments, total=brl(sum(cents)))


def in_state(state: str, status: str = "", **more: Any) -> PastOrderRecorded:
    return replace(ORDER, state=state, status=status or state, **more)


def sent(state: str, **times: Any) -> PastShipmentsRecorded:
    """All in one parcel, which left and arrived when `times` say."""
    none = {"dispatched_at": None, "delivered_at": None}
    return PastShipmentsRecorded(parcels=[replace(PARCEL, state=state, **{**none, **times})])


def adjusted(change: int, kept: int) -> PastPaymentsAdjusted:
    return PastPaymentsAdjusted(change=change, kept=brl(kept), rule="past", divergence_id="d")


async def tasks(*events: Event) -> list[Any]:
    """Of one order, of which `events` were told."""
    row = await (await told(VIEW, at("o-1", *events))).row("order/o-1")
    return list(row["tasks"])


async def found(*events: Event) -> list[Mapping[str, Any]]:
    return [task["found"] for task in await tasks(*events)]


async def amounts(*events: Event) -> dict[str, int]:
    """By rule, in cents."""
    return {each["rule"]: each["amount"]["amount"] for each in await found(*events)}
