"""What shipping does about ordering's events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from bus.again import again
from bus.decider import Reaction
from bus.envelope import Recorded
from bus.messages import Command, Event, Money, total
from domains.ordering import messages as ordering
from domains.reconciliation import messages as reconciliation
from domains.shipping.messages import (
    CallOffShipments,
    CorrectShipment,
    ParcelLine,
    ParcelPlan,
    PlanReplacement,
    PlanShipments,
    WithdrawParcel,
)


def on_ordering(recorded: Recorded[Event]) -> Iterable[Command]:
    match recorded.data:
        case ordering.OrderConfirmed(parcels=parcels):
            return [PlanShipments(id=recorded.id, parcels=[_plan(lines) for lines in parcels])]
        case ordering.ReplacementConfirmed(parcel=parcel, lines=lines):
            return [PlanReplacement(id=recorded.id, parcel=parcel, plan=_replacement(lines))]
        case ordering.CancellationRequested():
            return [CallOffShipments(id=recorded.id)]
        case _:
            return []


def on_reconciliation(recorded: Recorded[Event]) -> Iterable[Command]:
    match recorded.data:
        case reconciliation.CompensationRequested(
            domain="shipping", remedy=reconciliation.ReactAgain() as lost
        ):
            return again(SHOP, lost.upstream, lost.position, bytes(lost.event))
        case (
            reconciliation.CompensationRequested(
                remedy=reconciliation.CorrectParcel() as remedy
            ) as asked
        ):
            return [_correct(recorded.id, asked, remedy)]
        case (
            reconciliation.CompensationRequested(
                remedy=reconciliation.CallOffParcel() as remedy
            ) as asked
        ):
            return [
                WithdrawParcel(
                    id=asked.of.id,
                    parcel=remedy.parcel,
                    rule=asked.rule,
                    divergence_id=recorded.id,
                )
            ]
        case _:
            return []


def _correct(
    divergence_id: str,
    asked: reconciliation.CompensationRequested,
    remedy: reconciliation.CorrectParcel,
) -> CorrectShipment:
    return CorrectShipment(
        id=asked.of.id,
        parcel=remedy.parcel,
        surplus=remedy.surplus,
        rule=asked.rule,
        divergence_id=divergence_id,
    )


def _plan(lines: Sequence[ordering.OrderLine]) -> ParcelPlan:
    first = lines[0]
    return ParcelPlan(
        seller_id=first.seller_id,
        lines=[ParcelLine(line=at.line, sku=at.sku, quantity=at.quantity) for at in lines],
        value=total((line.value for line in lines), first.price.currency),
    )


def _replacement(lines: Sequence[ordering.OrderLine]) -> ParcelPlan:
    """Worth nothing: what it stands for has been paid with the first parcel."""
    plan = _plan(lines)
    return replace(plan, value=Money(0, plan.value.currency))


SHOP = (Reaction(ordering.CONTRACT, on_ordering),)
REACTIONS = (*SHOP, Reaction(reconciliation.CONTRACT, on_reconciliation))
