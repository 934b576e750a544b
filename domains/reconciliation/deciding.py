"""What is done about a divergence: by itself within the limits, else by a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bus.decider import Refused, Span, States, Unknown
from bus.envelope import Key
from bus.messages import Command, Event
from domains.reconciliation.divergence import (
    Compensating,
    Dismissed,
    Divergence,
    Escalated,
    Open,
    Resolved,
    Told,
    Unseen,
)
from domains.reconciliation.limits import Limits
from domains.reconciliation.messages import (
    ApproveCompensation,
    CompensationCounted,
    CompensationRequested,
    CorrectPayment,
    DismissDivergence,
    DivergenceDetected,
    DivergenceDismissed,
    DivergenceEscalated,
    DivergenceReopened,
    DivergenceResolved,
    GiveBackSurplus,
    Remedy,
    ReportDivergence,
    ResolveDivergence,
)

Written = Sequence[tuple[Key, Event]]
ALL = Key("limits", "all")
ATTEMPTS = 3
"""Compensations of one divergence in a row, after which a person must look."""


def _key(command: Command) -> Key:
    return Key("divergence", command.id)


def _reads(command: Command) -> Iterable[Key]:
    return _key(command), ALL


def _reads_alone(command: Command) -> Iterable[Key]:
    return (_key(command),)


def report(command: ReportDivergence, states: States, now: datetime) -> Written:
    """What its finder could not yet know of is none of his news: he looks again."""
    state: Divergence = states[_key(command)]
    if command.seen != state.events:
        return ()
    told = Told(command.rule, command.of, command.said, command.amount, command.remedy)
    if isinstance(state.stage, Escalated | Dismissed) and state.stage.told == told:
        return ()
    news = DivergenceDetected if isinstance(state.stage, Unseen) else DivergenceReopened
    detected = news(
        rule=command.rule,
        of=command.of,
        said=command.said,
        amount=command.amount,
        remedy=command.remedy,
        facts=command.facts,
        positions=command.positions,
        since=command.since,
    )
    return [(_key(command), detected), *_act(command, told, state, states[ALL], now)]


def _act(
    command: Command, told: Told, state: Divergence, limits: Limits, now: datetime
) -> Iterable[tuple[Key, Event]]:
    why = _needs_a_person(told, state, limits, now)
    if why:
        yield _key(command), DivergenceEscalated(rule=told.rule, of=told.of, why=why)
        return
    yield _requested(command, told, state, approved=False, why="")
    yield ALL, CompensationCounted(divergence_id=command.id, at=now)


def _needs_a_person(told: Told, state: Divergence, limits: Limits, now: datetime) -> str:
    """Why, or "" where nobody is needed."""
    if told.remedy is None:
        return "no rule says what would make it right"
    if state.attempts >= ATTEMPTS:
        return f"{state.attempts} compensations have not helped"
    if _given_back(told.remedy) > limits.largest_refund:
        return f"more than {limits.largest_refund} would be given back"
    if limits.used(now) >= limits.most_an_hour:
        return f"{limits.most_an_hour} compensations within an hour"
    return ""


def _given_back(remedy: Remedy) -> int:
    """What it would give back to the customer, at most."""
    match remedy:
        case GiveBackSurplus(amount=amount):
            return amount.amount
        case CorrectPayment(captured=captured, refunded=refunded):
            return max(0, captured - refunded)
        case _:
            return 0


def _requested(
    command: Command, told: Told, state: Divergence, *, approved: bool, why: str
) -> tuple[Key, Event]:
    remedy = told.remedy
    if remedy is None:
        raise TypeError("nothing to request")
    event = CompensationRequested(
        rule=told.rule,
        of=told.of,
        domain=remedy.domain,
        number=state.requested + 1,
        remedy=remedy,
        approved=approved,
        why=why,
    )
    return _key(command), event


def resolve(command: ResolveDivergence, states: States, now: datetime) -> Written:
    state: Divergence = states[_key(command)]
    if command.seen != state.events:
        return ()
    match state.stage:
        case Open(told) | Compensating(told) | Escalated(told) | Dismissed(told):
            resolved = DivergenceResolved(
                rule=told.rule, of=told.of, facts=command.facts, positions=command.positions
            )
            return [(_key(command), resolved)]
        case _:
            return ()


def approve(command: ApproveCompensation, states: States, now: datetime) -> Written:
    state: Divergence = states[_key(command)]
    match state.stage:
        case Unseen():
            raise _unknown(command)
        case Compensating():
            return ()
        case Escalated(told) | Dismissed(told) | Open(told):
            if told.remedy is None:
                raise Refused(
                    "NoRemedy", f"No rule says what would make {command.id} right: dismiss it."
                )
            return [_requested(command, told, state, approved=True, why=command.why)]
        case Resolved():
            raise Refused("Resolved", f"{command.id} is right again.")


def dismiss(command: DismissDivergence, states: States, now: datetime) -> Written:
    state: Divergence = states[_key(command)]
    match state.stage:
        case Unseen():
            raise _unknown(command)
        case Dismissed():
            return ()
        case Compensating():
            raise Refused("Compensating", f"{command.id} is being made right.")
        case Resolved():
            raise Refused("Resolved", f"{command.id} is right again.")
        case Escalated(told) | Open(told):
            dismissed = DivergenceDismissed(rule=told.rule, of=told.of, why=command.why)
            return [(_key(command), dismissed)]


def _unknown(command: Command) -> Unknown:
    return Unknown("UnknownDivergence", f"There is no divergence {command.id}.")


SPANS: Mapping[type[Command], Span] = {
    ReportDivergence: Span(_reads, report),
    ResolveDivergence: Span(_reads_alone, resolve),
    ApproveCompensation: Span(_reads_alone, approve),
    DismissDivergence: Span(_reads_alone, dismiss),
}
