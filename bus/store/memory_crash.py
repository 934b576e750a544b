"""What a crash of the database takes back, for a disk in memory that a test makes fragile."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bus.store.disk import MemoryDisk

KEPT = (
    "events",
    "aggregates",
    "head",
    "receipts",
    "recorded",
    "upstreams",
    "duties",
    "parked",
    "refusals",
    "_versions",
)


class Crash:
    """`fragile`: keep what a crash would leave, which costs a copy of everything for each
    write after a safe moment. `turns` of the loop are what it takes until a write is safe.
    `crashes` tells a write whether there was one since."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self._safe: dict[str, Any] | None = None
        self.fragile = False
        self.crashes = 0
        self.turns = 1

    def before_write(self) -> None:
        if self.fragile and self._safe is None:
            self._safe = {name: _copied(getattr(self._disk, name)) for name in KEPT}

    def make_safe(self) -> None:
        """All that is there now outlives a crash."""
        self._safe = None

    def happen(self) -> None:
        """What was not safe yet has never been."""
        self.crashes += 1
        if self._safe is not None:
            for name, value in self._safe.items():
                setattr(self._disk, name, value)
            self._safe = None


def _copied(value: Any) -> Any:
    """Everything inside is immutable, but for the lists of an aggregate's events."""
    if isinstance(value, dict):
        return {key: list(v) if isinstance(v, list) else v for key, v in value.items()}
    return copy.copy(value)
