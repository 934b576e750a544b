"""What shipping does about ordering's events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bus.decider import Reaction
from bus.envelope import Recorded
from bus.messages import Command, Event, total
from domains.ordering import messages as ordering
from domains.shipping.messages import CallOffShipments, ParcelLine, ParcelPlan, PlanShipments


def on_ordering(recorded: Recorded[Event]) -> Iterable[Command]:
    match recorded.data:
        case ordering.OrderConfirmed(parcels=parcels):
            return [PlanShipments(id=recorded.id, parcels=[_plan(lines) for lines in parcels])]
        case ordering.CancellationRequested():
            return [CallOffShipments(id=recorded.id)]
        case _:
            return []


def _plan(lines: Sequence[ordering.OrderLine]) -> ParcelPlan:
    first = lines[0]
    return ParcelPlan(
        seller_id=first.seller_id,
        lines=[ParcelLine(line=at.line, sku=at.sku, quantity=at.quantity) for at in lines],
        value=total((line.value for line in lines), first.price.currency),
    )


REACTIONS = (Reaction(ordering.CONTRACT, on_ordering),)
