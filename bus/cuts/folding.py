"""What is kept of each domain's events: runs of units, each unit with what it raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from bus.cuts.layout import Layout
from bus.cuts.steps import END, Maxima, raised, token, vectors, written
from bus.envelope import Recorded, causing_event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Run(Struct, frozen=True, array_like=True, gc=False):
    """A slot. `end` is the last position folded, `steps` tells the maxima of each unit.

    The last unit may still rise: its token begins at `last` and tells what leads from
    `before` to `now`.
    """

    end: int
    units: int
    last: int
    steps: str
    before: Maxima
    now: Maxima


class Row(Struct, frozen=True):
    end: int
    steps: str


def row(slots: Mapping[str, Any]) -> Row:
    (run,) = slots.values()
    return Row(run.end, run.steps)


def microseconds(time: datetime) -> int:
    """Since 1970."""
    passed = time - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


class Fold:
    """A view's fold. Coordinate 0 is the time in microseconds, the others are the positions of
    causes in `domains`, in this order."""

    def __init__(self, domains: Sequence[str], layout: Layout) -> None:
        self._place = layout.place
        self._coordinates = {domain: number for number, domain in enumerate(domains, start=1)}
        self._nothing: Maxima = (0,) * (len(domains) + 1)
        self._empty = Run(0, 0, 0, "", self._nothing, self._nothing)

    def __call__(self, run: Run | None, event: Recorded[Any], key: str) -> Run:
        run = run or self._empty
        _, unit = self._place(event, key)
        now = self._risen(run.now, event)
        if unit >= run.units:
            return _next(run, event.position, unit, now)
        if unit == run.units - 1:
            return _same(run, event.position, now)
        return _late(run, unit, self._risen(self._nothing, event))

    def _risen(self, now: Maxima, event: Recorded[Any]) -> Maxima:
        """`now`, the same object, where the event raises nothing."""
        time, number, cause = microseconds(event.time), 0, 0
        # What an event owes to its own domain lies before it in every prefix.
        if (named := causing_event(event.causation_id)) and named[0] != event.domain:
            number, cause = self._coordinates.get(named[0], 0), named[1]
        if number and cause > now[number]:
            now = (*now[:number], cause, *now[number + 1 :])
        return (time, *now[1:]) if time > now[0] else now


def _next(run: Run, position: int, unit: int, now: Maxima) -> Run:
    """Begins a unit; those left out, whose events are parked, raise nothing."""
    steps = run.steps + END * (unit - run.units)
    return Run(position, unit + 1, len(steps), steps + token(run.now, now), run.now, now)


def _same(run: Run, position: int, now: Maxima) -> Run:
    """Goes on with the last unit."""
    end, steps = max(run.end, position), run.steps
    if now is not run.now:
        steps = steps[: run.last] + token(run.before, now)
    return Run(end, run.units, run.last, steps, run.before, now)


def _late(run: Run, unit: int, by: Maxima) -> Run:
    """An event that was parked takes its place, and raises all that came after."""
    known = vectors(run.steps, len(by))
    after = [*known[:unit], *(raised(maxima, by) for maxima in known[unit:])]
    steps, before, now = written(after), after[-2], after[-1]
    last = len(steps) - len(token(before, now))
    return Run(run.end, run.units, last, steps, before, now)
