"""Which of a view's builds a store works on: the same rules for every store. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bus.store.port import Checkpoint
from bus.view import View
from bus.views.kept import shape
from bus.views.port import Aim, Build, NothingKept, NothingServes, Replaced, Stage, ViewChanged


def serving(builds: Sequence[Build]) -> Build | None:
    """The one that is asked; None where there is no build at all."""
    return next((build for build in builds if build.stage is Stage.SERVING), None)


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
    if bound is None and aim is Aim.AFRESH:
        return None
    if bound is None and aim is Aim.BACK:
        kept = _latest(ours, Stage.KEPT)
        if kept is None:
            raise NothingKept(view, builds)
        return kept
    return _latest(ours, Stage.MAKING)


def dropped_first(view: View, builds: Sequence[Build], aim: Aim, bound: int | None) -> list[Build]:
    """Those that have to go before a store begins its own."""
    if aim is not Aim.AFRESH or bound is not None:
        return []
    return [b for b in builds if b.version == view.version and b.stage is Stage.MAKING]


def outlived(builds: Sequence[Build], number: int) -> list[Build]:
    """Those that go once build `number` has taken over: what served last of all stays, and so
    does what is in the making of a later version."""
    (new,) = (build for build in builds if build.number == number)
    kept = sorted((b for b in builds if b.stage is Stage.KEPT), key=lambda b: b.since)
    making = [b for b in builds if b.stage is Stage.MAKING and b.number < number]
    return [*kept[:-1], *(b for b in making if b.version <= new.version)]


def next_number(builds: Sequence[Build]) -> int:
    return max((build.number for build in builds), default=0) + 1


def first_stage(builds: Sequence[Build]) -> Stage:
    """Of a build that begins: the first of all is asked from the start."""
    return Stage.MAKING if builds else Stage.SERVING


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
