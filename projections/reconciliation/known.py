"""What RECONCILIATION has told of an order or of a SKU: the divergences that are known of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from bus.envelope import Recorded
from bus.messages import Money
from domains.reconciliation import messages as reconciliation

Stage = Literal["open", "compensating", "escalated", "resolved", "dismissed"]


class Divergence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`events` counts those that were folded; `domain` was asked to make it right by the event at
    `position` of RECONCILIATION."""

    rule: str
    stage: Stage
    said: str
    amount: Money | None = None
    events: int = 0
    domain: str = ""
    position: int = 0
    time: datetime


class Known(Struct, frozen=True):
    """By the divergences' ids."""

    divergences: Mapping[str, Divergence] = {}


def fold(known: Known | None, event: Recorded[Any]) -> Known:
    before = (known or Known()).divergences
    new = _step(before.get(event.id), event)
    return Known({**before, event.id: new}) if new is not None else Known(before)


def _step(before: Divergence | None, event: Recorded[Any]) -> Divergence | None:
    data = event.data
    match data:
        case reconciliation.DivergenceDetected() | reconciliation.DivergenceReopened():
            events = before.events if before else 0
            return Divergence(
                rule=data.rule,
                stage="open",
                said=data.said,
                amount=data.amount,
                events=events + 1,
                time=event.time,
            )
        case _ if before is None:
            return None
        case _:
            return _moved(replace(before, events=before.events + 1, time=event.time), event)


def _moved(found: Divergence, event: Recorded[Any]) -> Divergence:
    match event.data:
        case reconciliation.CompensationRequested(domain=domain):
            return replace(found, stage="compensating", domain=domain, position=event.position)
        case reconciliation.DivergenceEscalated():
            return replace(found, stage="escalated")
        case reconciliation.DivergenceResolved():
            return replace(found, stage="resolved")
        case reconciliation.DivergenceDismissed():
            return replace(found, stage="dismissed")
        case _:
            return found
