"""What is kept of each domain's events: runs of units, each unit with what it raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from bus.causation import causing_event
from bus.cuts.layout import Layout
from bus.cuts.steps import END, Maxima, raised, token, vectors, written
from bus.envelope import Recorded

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Run(Struct, frozen=True, array_like=True, gc=False):
    """A slot. `end` is the last position folded. `steps` tell the maxima of all units but the
    last, which may still rise: it leads from `before` to `now`."""

    end: int
    units: int
    steps: str
    before: Maxima
    now: Maxima


class Row(Struct, frozen=True):
    """`steps` tell the maxima of all units."""

    end: int
    steps: str


def row(slots: Mapping[str, Any]) -> Row:
    (run,) = slots.values()
    return Row(run.end, run.steps + token(run.before, run.now))


def microseconds(time: datetime) -> int:
    """Since 1970."""
    passed = time - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


class Fold:
    """A view's fold. Coordinate 0 is the time in microseconds, the others are the positions of
    causes in `domains`, in this order."""

    def __init__(self, domains: Sequence[str], layout: Layout) -> None:
        self._fan = layout.fan
        self._units = {str(level): unit for level, unit in enumerate(layout.units)}
        self._coordinates = {domain: number for number, domain in enumerate(domains, start=1)}
        self._nothing: Maxima = (0,) * (len(domains) + 1)
        self._empty = Run(0, 0, "", self._nothing, self._nothing)
        self._last: Recorded[Any] | None = None
        self._said = (0, 0, 0)

    def __call__(self, run: Run | None, event: Recorded[Any], key: str) -> Run:
        if event is not self._last:  # it comes once for each level
            self._said, self._last = self._taken_apart(event), event
        run, (time, number, cause) = run or self._empty, self._said
        position, now = event.position, run.now
        unit = (position - 1) // self._units[key[len(event.domain) + 1]] % self._fan
        if unit < run.units - 1:
            return _late(run, position, unit, _risen(self._nothing, *self._said))
        if time > now[0] or cause > now[number]:
            now = _risen(now, time, number, cause)
        if unit < run.units:
            return Run(max(run.end, position), run.units, run.steps, run.before, now)
        return _next(run, position, unit, now)

    def _taken_apart(self, event: Recorded[Any]) -> tuple[int, int, int]:
        """The time, a coordinate, and the cause's position there; 0 and 0 without a cause."""
        time, named = microseconds(event.time), causing_event(event.causation_id)
        # What an event owes to its own domain lies before it in every prefix.
        if named is None or named[0] == event.domain:
            return time, 0, 0
        return time, self._coordinates.get(named[0], 0), named[1]


def _risen(now: Maxima, time: int, number: int, cause: int) -> Maxima:
    """`now`, the same object, where nothing rises."""
    if number and cause > now[number]:
        now = (*now[:number], cause, *now[number + 1 :])
    return (time, *now[1:]) if time > now[0] else now


def _next(run: Run, position: int, unit: int, now: Maxima) -> Run:
    """Begins a unit; those left out, whose events are parked, raise nothing."""
    steps = run.steps + token(run.before, run.now) if run.units else ""
    return Run(position, unit + 1, steps + END * (unit - run.units), run.now, now)


def _late(run: Run, position: int, unit: int, by: Maxima) -> Run:
    """An event that was parked takes its place, and raises all that came after."""
    known = [*vectors(run.steps, len(by)), run.now]
    after = [*known[:unit], *(raised(maxima, by) for maxima in known[unit:])]
    return Run(max(run.end, position), run.units, written(after[:-1]), after[-2], after[-1])
