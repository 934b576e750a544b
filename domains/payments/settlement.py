"""What the provider's settlement report says of an order's money: a book beside our own.

Reports are taken as they come, and say nothing twice: a movement counts by the provider's own id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from bus.decider import Decider, Refused
from bus.messages import MAX_AMOUNT, Event
from domains.payments.messages import (
    Movement,
    Period,
    ReportSettlement,
    SettlementReported,
)

ALWAYS = datetime.min.replace(tzinfo=UTC)


class Settlement(Struct, frozen=True):
    """All movements by the provider's ids, and the times of which they are all."""

    movements: Mapping[str, Movement] = {}
    covered: tuple[Period, ...] = ()

    def of(self, payment: int) -> list[Movement]:
        return [each for each in self.movements.values() if each.payment == payment]

    @property
    def currency(self) -> str:
        return next((each.amount.currency for each in self.movements.values()), "")


def decide(command: ReportSettlement, known: Settlement, now: datetime) -> Sequence[Event]:
    _check(command, now)
    news = _news(command, known)
    _add_up([*known.movements.values(), *news.values()])
    period = Period(since=command.since, until=command.until)
    covered = _merged([*known.covered, period])
    if not news and covered == [*known.covered]:
        return ()
    return [SettlementReported(movements=list(news.values()), covered=covered)]


def _check(command: ReportSettlement, now: datetime) -> None:
    until = command.until
    if until > now:
        raise Refused("NotOver", f"The report's time until {until.isoformat()} is not over yet.")
    if (command.since or ALWAYS) > until:
        raise Refused("NoPeriod", "A report ends after it begins.")
    for movement in command.movements:
        if movement.time > until:
            raise Refused("TooLate", f"Movement {movement.id} is later than the report's end.")


def _news(command: ReportSettlement, known: Settlement) -> Mapping[str, Movement]:
    """Those that are not known, by id."""
    news: dict[str, Movement] = {}
    for movement in command.movements:
        before = known.movements.get(movement.id) or news.get(movement.id)
        if before is None:
            news[movement.id] = movement
        elif before != movement:
            raise Refused(
                "MovementDiffers",
                f"Movement {movement.id} of {command.id} was reported before, and otherwise.",
            )
    return news


def _add_up(movements: Sequence[Movement]) -> None:
    if len({each.amount.currency for each in movements}) > 1:
        raise Refused("CurrencyMismatch", "An order is paid in one currency.")
    if sum(each.amount.amount for each in movements) > MAX_AMOUNT:
        raise Refused("AmountTooLarge", f"No more than {MAX_AMOUNT} moves for an order.")


def _merged(periods: Iterable[Period]) -> list[Period]:
    """In order; those that touch are one."""
    merged: list[Period] = []
    for period in sorted(periods, key=lambda each: each.since or ALWAYS):
        last = merged[-1] if merged else None
        if last is not None and (period.since or ALWAYS) <= last.until:
            merged[-1] = Period(since=last.since, until=max(last.until, period.until))
        else:
            merged.append(period)
    return merged


def evolve(known: Settlement, event: Event) -> Settlement:
    match event:
        case SettlementReported(movements=news, covered=covered):
            movements = {**known.movements, **{each.id: each for each in news}}
            return Settlement(movements, tuple(covered))
        case _:
            return known


SETTLEMENT = Decider(Settlement(), decide, evolve)
