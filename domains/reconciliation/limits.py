"""How much is compensated without a person: so that a rule that has run wild is stopped."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bus.decider import Decider
from bus.messages import Event
from domains.reconciliation.messages import CompensationCounted, LimitsSet, SetLimits

HOUR = timedelta(hours=1)


class Limits(Struct, frozen=True):
    """`recent` is when the latest compensations were requested, those of an hour at most, the
    oldest first: there may be many."""

    largest_refund: int = 50_000
    most_an_hour: int = 1_000
    recent: tuple[datetime, ...] = ()

    def used(self, now: datetime) -> int:
        return len(self.since(now - HOUR))

    def since(self, time: datetime) -> tuple[datetime, ...]:
        return self.recent[bisect_right(self.recent, time) :]


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
            latest = max([at, *limits.recent[-1:]])  # clocks of two processes may differ
            recent = *limits.since(latest - HOUR), latest
            return Limits(limits.largest_refund, limits.most_an_hour, recent)
        case _:
            return limits


LIMITS = Decider(Limits(), decide, evolve, state=Limits)
