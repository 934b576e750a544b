"""The states of a divergence, and what each event makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bus.decider import Decider
from bus.messages import Event, Money
from domains.reconciliation.messages import (
    CompensationRequested,
    DivergenceDetected,
    DivergenceDismissed,
    DivergenceEscalated,
    DivergenceReopened,
    DivergenceResolved,
    Remedy,
    Subject,
)


class Told(Struct, frozen=True):
    """As it was last reported."""

    rule: str
    of: Subject
    said: str
    amount: Money | None
    remedy: Remedy | None


class Unseen(Struct, frozen=True, tag=True):
    """Never reported."""


class Open(Struct, frozen=True, tag=True):
    """Reported; what is to be done follows in the same breath."""

    told: Told


class Compensating(Struct, frozen=True, tag=True):
    """The domain that owns the wrong book has been told to make it right."""

    told: Told


class Escalated(Struct, frozen=True, tag=True):
    """Waits for a person."""

    told: Told


class Resolved(Struct, frozen=True, tag=True):
    told: Told


class Dismissed(Struct, frozen=True, tag=True):
    """A person wants it to stay as it is."""

    told: Told


Stage = Unseen | Open | Compensating | Escalated | Resolved | Dismissed


class Divergence(Struct, frozen=True):
    """`events` counts those that were folded, `attempts` the compensations since it last agreed,
    `requested` all of them."""

    stage: Stage = Unseen()
    events: int = 0
    attempts: int = 0
    requested: int = 0


def decide_alone(command: object, state: Divergence, now: datetime) -> Sequence[Event]:
    """Nothing is decided on a divergence without the limits; see `deciding.py`."""
    return ()


def evolve(state: Divergence, event: Event) -> Divergence:
    return replace(_step(state, event), events=state.events + 1)


def _step(state: Divergence, event: Event) -> Divergence:
    match event:
        case DivergenceDetected() | DivergenceReopened():
            told = Told(event.rule, event.of, event.said, event.amount, event.remedy)
            return replace(state, stage=Open(told))
        case _ if isinstance(state.stage, Unseen):
            return state
        case _:
            return _moved(state, state.stage.told, event)


def _moved(state: Divergence, told: Told, event: Event) -> Divergence:
    match event:
        case CompensationRequested(number=number):
            stage = Compensating(told)
            return replace(state, stage=stage, attempts=state.attempts + 1, requested=number)
        case DivergenceEscalated():
            return replace(state, stage=Escalated(told))
        case DivergenceResolved():
            return replace(state, stage=Resolved(told), attempts=0)
        case DivergenceDismissed():
            return replace(state, stage=Dismissed(told), attempts=0)
        case _:
            return state


DIVERGENCE = Decider(Divergence(), decide_alone, evolve)
