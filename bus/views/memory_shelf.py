"""What a database of views is in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from bus.clock import uuid7
from bus.store.memory_lease import Leadership
from bus.store.port import Checkpoint, ParkedRow
from bus.view import Scalar
from bus.views import kept
from bus.views.build import Build, Stage
from bus.views.builds import serving
from bus.views.changes import Mark
from bus.views.port import ViewMissing
from bus.views.proof import Sums, ViewRepaired

NOTHING = Sums("0" * 16, 0)
Columns = Mapping[str, Scalar]


class Row(NamedTuple):
    """All that stands under a key since the write number `since`; `shown` is the row and its
    columns, where people see one."""

    since: int
    slots: Mapping[str, str]
    shown: tuple[str, Columns] | None


class Superseded(NamedTuple):
    """A row that the write number `until` replaced, at a time."""

    until: int
    at: datetime
    row: Row


class Moment(NamedTuple):
    """A write that is remembered."""

    number: int
    at: datetime
    positions: Mapping[str, int]


@dataclass
class Shelf:
    """One build of one view. `writes` counts them; nothing is remembered while there are no
    `moments`."""

    build: Build
    kinds: kept.Columns
    checkpoints: dict[str, Checkpoint]
    stamp: str = field(default_factory=uuid7)
    rows: dict[str, Row] = field(default_factory=dict)
    parked: dict[tuple[str, str, int], ParkedRow] = field(default_factory=dict)
    seals: dict[str, str] = field(default_factory=dict)
    sums: Sums = NOTHING
    seal: str = ""
    writes: int = 0
    moments: list[Moment] = field(default_factory=list)
    superseded: dict[str, list[Superseded]] = field(default_factory=dict)

    @property
    def positions(self) -> Mapping[str, int]:
        return {domain: place.position for domain, place in self.checkpoints.items()}

    @property
    def shown(self) -> Mapping[str, tuple[str, Columns]]:
        """What people see, by key."""
        return {key: row.shown for key, row in self.rows.items() if row.shown is not None}

    def put(self, key: str, slots: Mapping[str, str], shown: tuple[str, Columns] | None) -> None:
        """As part of the write that is under way."""
        before = self.rows.get(key)
        if before is not None and self.moments:
            gone = Superseded(self.writes, datetime.now(UTC), before)
            self.superseded.setdefault(key, []).append(gone)
        self.rows[key] = Row(self.writes, {**(before.slots if before else {}), **slots}, shown)

    def stood_since(self, key: str) -> int:
        """The write that left what stands under the key, or should."""
        if key in self.rows:
            return self.rows[key].since
        return max((gone.until for gone in self.superseded.get(key, ())), default=0)

    def note(self) -> None:
        """The write that is under way is remembered, if writes are."""
        if self.moments:
            self.moments.append(Moment(self.writes, datetime.now(UTC), self.positions))

    def remember(self) -> None:
        if not self.moments:
            self.moments.append(Moment(self.writes, datetime.now(UTC), self.positions))

    def forget(self) -> None:
        self.moments.clear()
        self.superseded.clear()

    def trim(self, before: datetime) -> None:
        """The last moment of those before stays: it is how the rows were at that time."""
        old = [moment for moment in self.moments if moment.at < before]
        self.moments = [*old[-1:], *self.moments[len(old) :]]
        if old:
            for key, rows in self.superseded.items():
                self.superseded[key] = [row for row in rows if row.until > old[-1].number]

    def as_of(self, number: int) -> Mapping[str, Row]:
        """All rows as the write of that number left them."""
        found = {key: row for key, row in self.rows.items() if row.since <= number}
        for key, rows in self.superseded.items():
            for gone in rows:
                if gone.row.since <= number < gone.until:
                    found[key] = gone.row
        return found


class MemoryViews:
    """The views of one database, as several stores share it."""

    def __init__(self) -> None:
        self.shelves: dict[str, dict[int, Shelf]] = {}
        self.repairs: dict[str, list[ViewRepaired]] = {}
        self.told: dict[str, Mark | None] = {}
        self.leadership: defaultdict[str, Leadership] = defaultdict(Leadership)

    def builds(self, view: str) -> Sequence[Build]:
        return sorted(shelf.build for shelf in self.shelves.get(view, {}).values())

    def serving(self, view: str) -> Shelf:
        """Raises ViewMissing."""
        build = serving(self.builds(view))
        if build is None:
            raise ViewMissing(view)
        return self.shelves[view][build.number]

    def place(self, view: str, number: int, stage: Stage) -> None:
        shelf = self.shelves[view][number]
        shelf.build = shelf.build._replace(stage=stage, since=datetime.now(UTC))

    def drop(self, view: str, gone: Iterable[Build]) -> None:
        for build in gone:
            del self.shelves[view][build.number]

    def flush(self) -> None:
        """Loses everything, as a Redis without a disk may."""
        self.shelves.clear()
        self.repairs.clear()
        self.told.clear()
