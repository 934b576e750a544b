"""How running maxima are written: as text, one token a unit, saying by how much each rose.

A unit is an event, or a run of so many. What is followed are several numbers at once, the
coordinates: the time, and the positions of causes in each domain. Most units raise few of
them, many none at all: their token is empty.

    "1f40,3:2a  5,1:7 "    four units: the first raises coordinate 0 by 0x1f40 and 3 by 0x2a
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

Maxima = tuple[int, ...]
"""The largest value of each coordinate so far; 0 before there is any."""

END = " "
"""Ends each token."""


def token(before: Maxima, after: Maxima) -> str:
    """What takes `before` to `after`, neither of whose numbers is smaller."""
    if before is after:
        return END
    rise = after[0] - before[0]
    parts = f"{rise:x}" if rise else ""
    if before[1:] != after[1:]:
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            if number and new > old:
                parts += f",{number}:{new - old:x}" if parts else f"{number}:{new - old:x}"
    return parts + END


def raised(maxima: Maxima, by: Maxima) -> Maxima:
    return tuple(map(max, maxima, by))


def vectors(steps: str, width: int) -> list[Maxima]:
    """The maxima after each unit."""
    found: list[Maxima] = []
    now = (0,) * width
    for text in steps.split(END)[:-1]:
        if text:
            values = list(now)
            for number, by in _parts(text):
                values[number] += by
            now = tuple(values)
        found.append(now)
    return found


def written(maxima: Sequence[Maxima]) -> str:
    """The text of which `vectors` gives these."""
    width = len(maxima[0]) if maxima else 0
    return "".join(token(*pair) for pair in zip([(0,) * width, *maxima], maxima, strict=False))


class Steps:
    """A text that is read: where each coordinate rises, and to what."""

    def __init__(self, steps: str, width: int) -> None:
        texts = steps.split(END)[:-1]
        self.units = len(texts)
        self._at: list[list[int]] = [[] for _ in range(width)]
        self._to: list[list[int]] = [[] for _ in range(width)]
        now = [0] * width
        for unit, text in enumerate(texts):
            if text:
                for number, by in _parts(text):
                    now[number] += by
                    self._at[number].append(unit)
                    self._to[number].append(now[number])

    def maximum(self, coordinate: int, units: int) -> int:
        """The largest value among the first `units`."""
        rises = bisect_right(self._at[coordinate], units - 1)
        return self._to[coordinate][rises - 1] if rises else 0

    def within(self, limits: Sequence[int | None]) -> int:
        """How many units from the first on stay within `limits`; None: any value does."""
        units = self.units
        for number, limit in enumerate(limits):
            if limit is not None:
                rises = bisect_right(self._to[number], limit)
                if rises < len(self._at[number]):
                    units = min(units, self._at[number][rises])
        return units


def _parts(text: str) -> list[tuple[int, int]]:
    parts = []
    for part in text.split(","):
        number, colon, by = part.partition(":")
        parts.append((int(number), int(by, 16)) if colon else (0, int(number, 16)))
    return parts
