"""Which runs an event belongs to: a tree over each domain's positions.

The lowest runs cover `fan` events each, those above `fan` runs below: so a question reads one
run a level, however long the history. An event goes into one run of each level.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bus.envelope import Recorded


class Layout:
    """`units` are the events of a unit, level by level; a run has `fan` units. Of the highest
    level there are several runs once a domain has more than 16,777,216 events."""

    def __init__(self, fan: int = 256, levels: int = 3) -> None:
        self.fan = fan
        self.top = levels - 1
        self.units: list[int] = [fan**level for level in range(levels)]
        self.sizes = [unit * fan for unit in self.units]
        self._levels = [*enumerate(self.sizes)]

    def key(self, domain: str, level: int, position: int) -> str:
        """Of the run of `level` that `position` belongs to."""
        return f"{domain}/{level}/{(position - 1) // self.sizes[level]}"

    def keys(self, event: Recorded[Any]) -> Iterable[str]:
        domain, place = event.domain, event.position - 1
        return [f"{domain}/{level}/{place // size}" for level, size in self._levels]
