"""What a database of views is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bus.clock import uuid7
from bus.store.port import Checkpoint, ParkedRow
from bus.view import Scalar
from bus.views import kept
from bus.views.builds import serving
from bus.views.port import Build, Stage, ViewMissing
from bus.views.proof import Sums, ViewRepaired

NOTHING = Sums("0" * 16, 0)
Columns = Mapping[str, Scalar]


@dataclass
class Shelf:
    """One build of one view."""

    build: Build
    kinds: kept.Columns
    checkpoints: dict[str, Checkpoint]
    stamp: str = field(default_factory=uuid7)
    slots: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, tuple[str, Columns]] = field(default_factory=dict)
    parked: dict[tuple[str, str, int], ParkedRow] = field(default_factory=dict)
    seals: dict[str, str] = field(default_factory=dict)
    sums: Sums = NOTHING
    seal: str = ""


class MemoryViews:
    """The views of one database, as several stores share it."""

    def __init__(self) -> None:
        self.shelves: dict[str, dict[int, Shelf]] = {}
        self.repairs: dict[str, list[ViewRepaired]] = {}

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
