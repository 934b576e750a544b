"""Which of a view's builds a store works on: the same rules for every store. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bus.store.port import Checkpoint
from bus.view import View
from bus.views.build import Aim, Build, Stage
from bus.views.kept import outdated, shape
from bus.views.port import NothingKept, NothingServes, Replaced, ViewChanged

SHADOWED = timedelta(hours=3)
"""After this time whoever has begun a shadow has died."""


def serving(builds: Sequence[Build]) -> Build | None:
    """The one that is asked; None where there is no build at all."""
    return next((build for build in builds if build.stage is Stage.SERVING), None)


def asked_at(builds: Sequence[Build], time: datetime) -> Build | None:
    """The one that was asked at a time, if it is still there; else the one that is."""
    later = [b for b in builds if b.stage is Stage.KEPT and b.since > time]
    return min(later, key=lambda b: b.since) if later else serving(builds)


def chosen(view: View, builds: Sequence[Build], aim: Aim, bound: int | None) -> Build | None:
    """The build that a store of `view` works on; None: it has to begin one.

    `bound` is the one it has worked on so far. Raises Replaced, NothingKept, NothingServes,
    ViewChanged.
    """
    if aim is Aim.ASKED:
        return _asked(view, builds)
    found = _chosen(view, builds, aim, bound)
    if found is not None and found.shape != shape(view):
        raise ViewChanged.of(view)
    return found


def _asked(view: View, builds: Sequence[Build]) -> Build:
    found = serving(builds)
    if found is None:
        raise NothingServes(view)
    return found


def _chosen(view: View, builds: Sequence[Build], aim: Aim, bound: int | None) -> Build | None:
    ours = [build for build in builds if build.version == view.version]
    before = next((build for build in ours if build.number == bound), None)
    if aim is Aim.SERVE:
        asked = serving(builds)
        if asked is not None and asked.version == view.version:
            return asked
        found = before or _latest(ours, Stage.MAKING)
        older = asked is not None and asked.version > view.version
        if found.stage is Stage.KEPT if found else older:
            raise Replaced(view)
        return found
    if before is not None:
        return before
    if aim is Aim.SHADOW or (bound is None and aim is Aim.AFRESH):
        return None
    if bound is None and aim is Aim.BACK:
        kept = _latest(ours, Stage.KEPT)
        if kept is None:
            raise NothingKept(view, builds)
        return kept
    return _latest(ours, Stage.MAKING)


def dropped_first(view: View, builds: Sequence[Build], aim: Aim, bound: int | None) -> list[Build]:
    """Those that have to go before a store begins its own: without seals nothing can be proved
    of their rows."""
    afresh = aim is Aim.AFRESH and bound is None
    return [
        b
        for b in builds
        if outdated(b.shape) or (afresh and b.version == view.version and b.stage is Stage.MAKING)
    ]


def forgotten(builds: Sequence[Build], before: datetime, now: datetime) -> list[Build]:
    """Those that have been kept since a time before `before`, and shadows whose maker must have
    died."""
    ends = {Stage.KEPT: before, Stage.SHADOW: now - SHADOWED}
    return [b for b in builds if b.stage in ends and b.since < ends[b.stage]]


def outlived(builds: Sequence[Build], number: int) -> list[Build]:
    """Those that go once build `number` has taken over: what served last of all stays, and so
    does what is in the making of a later version."""
    (new,) = (build for build in builds if build.number == number)
    kept = sorted((b for b in builds if b.stage is Stage.KEPT), key=lambda b: b.since)
    making = [b for b in builds if b.stage is Stage.MAKING and b.number < number]
    return [*kept[:-1], *(b for b in making if b.version <= new.version)]


def next_number(builds: Sequence[Build]) -> int:
    return max((build.number for build in builds), default=0) + 1


def first_stage(builds: Sequence[Build], aim: Aim) -> Stage:
    """Of a build that begins: the first of all is asked from the start."""
    if aim is Aim.SHADOW:
        return Stage.SHADOW
    others = any(build.stage is not Stage.SHADOW for build in builds)
    return Stage.MAKING if others else Stage.SERVING


def successor(view: View, builds: Sequence[Build]) -> Build:
    """What begins where one of the builds was lost: it is not asked before it has caught up."""
    number, now = next_number(builds), datetime.now(UTC)
    return Build(number, view.version, shape(view), Stage.MAKING, now)


def remembering(view: View, builds: Sequence[Build]) -> Sequence[Build]:
    """Those that may know how `view`'s rows were, in the order in which they are asked: the one
    that serves, then those that did."""
    ours = [b for b in builds if b.version == view.version and b.shape == shape(view)]
    kept = sorted((b for b in ours if b.stage is Stage.KEPT), key=lambda b: b.since, reverse=True)
    return [*(b for b in ours if b.stage is Stage.SERVING), *kept]


def reached(ours: Mapping[str, Checkpoint], theirs: Mapping[str, Checkpoint]) -> bool:
    """Whether `ours` are as far as `theirs` in every stream that both follow."""
    both = ours.keys() & theirs.keys()
    return all(ours[domain].position >= theirs[domain].position for domain in both)


def _latest(builds: Sequence[Build], stage: Stage) -> Build | None:
    return max((b for b in builds if b.stage is stage), key=lambda b: b.number, default=None)
