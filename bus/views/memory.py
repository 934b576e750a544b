"""Views in memory, for tests: the same promises as the real stores, kept by one event loop."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from bus.clock import uuid7
from bus.store.memory_lease import MemoryLease
from bus.store.port import START, Lease, Parked, ParkedRow, StoreUnavailable
from bus.view import View
from bus.views import builds, memory_proof
from bus.views.build import Aim, Build, Stage
from bus.views.changes import Mark
from bus.views.kept import check_view, shape
from bus.views.memory_changes import MemoryChanges
from bus.views.memory_past import MemoryHistory
from bus.views.memory_rows import MemoryRows
from bus.views.memory_shelf import MemoryViews, Shelf
from bus.views.past import Moved
from bus.views.port import (
    Altered,
    Change,
    Digests,
    Replaced,
    Snapshot,
    State,
    Superseded,
    ViewMissing,
)
from bus.views.proof import MOST_REPAIRS, Mend, Sums, ViewRepaired, Walked

__all__ = ["MemoryViewStore", "MemoryViews"]


class MemoryViewStore:
    """See `bus.views.port.ViewStore`."""

    def __init__(
        self,
        view: View,
        views: MemoryViews | None = None,
        *,
        aim: Aim = Aim.SERVE,
        remembers: bool = True,
    ) -> None:
        check_view(view)
        self.view = view
        self._views = views or MemoryViews()
        self._aim = aim
        self._remembers = remembers
        self._bound: int | None = None

    async def open(self) -> None:
        self._bind()

    async def close(self) -> None:
        pass

    async def state(self) -> State:
        self._bind()
        if not memory_proof.head_right(self._shelf()):
            self._lose()
            self._bind()
        shelf = self._shelf()
        parked = {(row.reader, row.key) for row in shelf.parked.values()}
        return State(shelf.stamp, dict(shelf.checkpoints), parked, shelf.build.stage)

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        shelf = self._shelf()
        _untouched(shelf, keys)
        return {key: dict(shelf.rows[key].slots) for key in keys if key in shelf.rows}

    async def write(self, change: Change) -> None:
        shelf = self._shelf()
        if shelf.stamp != change.stamp:
            raise Superseded
        _untouched(shelf, [row.key for row in change.rows])
        shelf.stamp = change.next_stamp
        shelf.writes += 1
        shelf.checkpoints |= change.places
        for row in change.rows:
            memory_proof.place(shelf, row, self.view)
        shelf.note()
        for gone in change.unparked:
            shelf.parked.pop(gone, None)
        for parked in change.parked:
            _park(shelf, parked)
        memory_proof.seal_head(shelf)

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        rows = self._shelf().parked
        return [rows[place] for place in sorted(rows) if reader in (None, place[0])]

    async def digests(self, after: str, *, most: int, upto: str = "") -> Digests:
        shelf = self._shelf()
        keys = sorted(key for key in shelf.rows if key > after and (not upto or key <= upto))
        taken = keys if upto else keys[:most]
        digests = {key: _digest(shelf, key) for key in taken}
        return Digests(shelf.positions, digests, taken[-1] if len(taken) < len(keys) else "")

    async def builds(self) -> Sequence[Build]:
        return self._views.builds(self.view.name)

    async def ready(self) -> None:
        pass

    async def take_over(self) -> bool:
        ours, name = self._shelf(), self.view.name
        asked = builds.serving(self._views.builds(name))
        if asked is not None and asked != ours.build:
            theirs = self._views.shelves[name][asked.number]
            if not builds.reached(ours.checkpoints, theirs.checkpoints):
                return False
            theirs.stamp = uuid7()
            self._views.place(name, asked.number, Stage.KEPT)
        self._views.place(name, ours.build.number, Stage.SERVING)
        self._views.drop(name, builds.outlived(self._views.builds(name), ours.build.number))
        return True

    async def tidy(self, before: datetime) -> None:
        there = self._views.builds(self.view.name)
        old = builds.forgotten(there, before, datetime.now(UTC))
        self._views.drop(self.view.name, old)

    async def remember(self) -> None:
        if self._remembers:
            self._shelf().remember()
        else:
            self._shelf().forget()

    async def trim(self, before: datetime) -> None:
        for shelf in self._views.shelves.get(self.view.name, {}).values():
            shelf.trim(before)

    def lease(self) -> Lease:
        return MemoryLease(self._views.leadership[self.view.name])

    async def noted(self) -> Mark | None:
        return self._views.told.get(self.view.name)

    async def note(self, mark: Mark | None) -> None:
        self._views.told[self.view.name] = mark

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[MemoryChanges]:
        shelf = self._asked()
        if not memory_proof.head_right(shelf):
            raise StoreUnavailable(f"The view {self.view.name} is being made anew")
        yield MemoryChanges(self._views.shelves[self.view.name], shelf.build.number)

    @asynccontextmanager
    async def history(self) -> AsyncIterator[MemoryHistory]:
        self._asked()
        yield MemoryHistory(self._views)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        shelf = self._asked()
        if not memory_proof.head_right(shelf):
            raise StoreUnavailable(f"The view {self.view.name} is being made anew")
        joined: dict[str, Mapping[str, int]] = {}
        rows = MemoryRows(self._views, self.view.name, shelf, joined)
        stamp = shelf.stamp
        yield Snapshot(rows, shelf.positions, joined)
        if shelf.stamp != stamp:
            raise Moved(self.view.name)

    def beside(self, aim: Aim) -> MemoryViewStore:
        return MemoryViewStore(self.view, self._views, aim=aim)

    async def walk(self, cursor: str) -> Walked:
        shelf = self._shelf()
        wrong = [
            key for key in sorted(memory_proof.keys(shelf)) if memory_proof.altered(shelf, key)
        ]
        return Walked(wrong, "")

    async def intact(self) -> bool:
        return memory_proof.intact(self._shelf())

    async def sums(self) -> Sums:
        return self._shelf().sums

    async def held(self, keys: Sequence[str]) -> Mapping[str, str]:
        texts = {key: memory_proof.held(self._shelf(), key) for key in keys}
        return {key: text for key, text in texts.items() if text is not None}

    async def mend(self, mend: Mend) -> Sequence[ViewRepaired]:
        shelf = self._shelf()
        if shelf.stamp != mend.stamp:
            raise Superseded
        booked = memory_proof.mend(shelf, mend, self.view)
        kept = [*self._views.repairs.get(self.view.name, ()), *booked]
        self._views.repairs[self.view.name] = kept[-MOST_REPAIRS:]
        return booked

    async def repairs(self) -> Sequence[ViewRepaired]:
        return list(reversed(self._views.repairs.get(self.view.name, ())))

    async def abandon(self) -> None:
        ours = self._bound
        gone = [b for b in self._views.builds(self.view.name) if b.number == ours]
        self._views.drop(self.view.name, gone)

    def _bind(self) -> None:
        name, number = self.view.name, self._bound
        there = self._views.builds(name)
        gone = builds.dropped_first(self.view, there, self._aim, number)
        self._views.drop(name, gone)
        there = [build for build in there if build not in gone]
        found = builds.chosen(self.view, there, self._aim, number) or self._begun(there)
        if self._aim is Aim.BACK and found.stage is Stage.KEPT and number is None:
            self._views.place(name, found.number, Stage.MAKING)
        self._bound = found.number

    def _begun(self, there: Sequence[Build]) -> Build:
        view, stage = self.view, builds.first_stage(there, self._aim)
        number, now = builds.next_number(there), datetime.now(UTC)
        return self._begin(Build(number, view.version, shape(view), stage, now))

    def _begin(self, build: Build) -> Build:
        places = {source.contract.domain: START for source in self.view.sources}
        shelf = Shelf(build, self.view.columns, places)
        memory_proof.seal_head(shelf)
        self._views.shelves.setdefault(self.view.name, {})[build.number] = shelf
        return build

    def _lose(self) -> None:
        """Its head is not what was written: another build begins in its place."""
        there, lost = self._views.builds(self.view.name), self._shelf().build
        self._begin(builds.successor(self.view, there))
        self._views.drop(self.view.name, [lost])

    def _asked(self) -> Shelf:
        """What questions are put to."""
        if self._aim is not Aim.SERVE:
            return self._shelf()
        try:
            shelf = self._views.serving(self.view.name)
        except ViewMissing as error:
            raise StoreUnavailable(f"{error}") from error
        if shelf.build.version != self.view.version:
            raise Replaced(self.view)
        return shelf

    def _shelf(self) -> Shelf:
        """What is worked on. Raises Superseded where it has gone."""
        if self._bound is None:
            raise RuntimeError(f"the store of view {self.view.name} is not open")
        shelf = self._views.shelves.get(self.view.name, {}).get(self._bound)
        if shelf is None:
            raise Superseded
        return shelf


def _untouched(shelf: Shelf, keys: Sequence[str]) -> None:
    """Raises Altered."""
    if wrong := [key for key in keys if memory_proof.altered(shelf, key)]:
        raise Altered(wrong)


def _digest(shelf: Shelf, key: str) -> str:
    row = shelf.rows[key]
    text = repr((sorted(row.slots.items()), row.shown))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _park(shelf: Shelf, new: Parked) -> None:
    place = (new.reader, new.key, new.position)
    before = shelf.parked.get(place)
    attempts = before.attempts + 1 if before else 1
    since = before.since if before else datetime.now(UTC)
    shelf.parked[place] = ParkedRow(*new, attempts, since)
