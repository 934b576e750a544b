"""What a database of views is in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bus.clock import uuid7
from bus.store.port import Checkpoint, ParkedRow
from bus.view import Scalar
from bus.views import kept

Columns = Mapping[str, Scalar]


@dataclass
class Shelf:
    """One version of one view."""

    shape: str
    kinds: kept.Columns
    built: bool
    checkpoints: dict[str, Checkpoint]
    stamp: str = field(default_factory=uuid7)
    slots: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, tuple[str, Columns]] = field(default_factory=dict)
    parked: dict[tuple[str, str, int], ParkedRow] = field(default_factory=dict)


class MemoryViews:
    """The views of one database, as several stores share it."""

    def __init__(self) -> None:
        self.shelves: dict[str, dict[int, Shelf]] = {}

    def flush(self) -> None:
        """Loses everything, as a Redis without a disk may."""
        self.shelves.clear()
