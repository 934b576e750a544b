"""How much is compensated without a person: so that a rule that has run wild is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bus.decider import Decider
from bus.messages import Event
from domains.reconciliation.messages import CompensationCounted, LimitsSet, SetLimits

HOUR = timedelta(hours=1)


class Limits(Struct, frozen=True):
    """`recent` is when the latest compensations were requested, those of an hour at most."""

    largest_refund: int = 50_000
    most_an_hour: int = 1_000
    recent: tuple[datetime, ...] = ()

    def used(self, now: datetime) -> int:
        return sum(now - at < HOUR for at in self.recent)


def decide(command: SetLimits, limits: Limits, now: datetime) -> Sequence[Event]:
    new = command.largest_refund, command.most_an_hour
    if new == (limits.largest_refund, limits.most_an_hour):
        return ()
    return [LimitsSet(largest_refund=new[0], most_an_hour=new[1])]


def evolve(limits: Limits, event: Event) -> Limits:
    match event:
        case LimitsSet():
            return Limits(event.largest_refund, event.most_an_hour, limits.recent)
        case CompensationCounted(at=at):
            recent = *(each for each in limits.recent if at - each < HOUR), at
            return Limits(limits.largest_refund, limits.most_an_hour, recent)
        case _:
            return limits


LIMITS = Decider(Limits(), decide, evolve, state=Limits)
