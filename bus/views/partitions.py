"""How the keys of a view are divided among partitions, so that several workers can share them.

Each partition is kept as if it were a view of its own, with those of the keys that fall to it:
so it has rows, checkpoints, parked events, builds and history for itself, and whoever works on
one is in nobody's way. The parts' names say which they are: `orders__0of4`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from bus.envelope import Recorded
from bus.view import View

MOST = 64
"""Partitions of one view."""

NAME = 30
"""Characters of the name of a view in partitions, at most."""

Positions = Mapping[str, int]

_part = re.compile(r"(.+)__(\d+)of(\d+)")


def falling(key: str, count: int) -> int:
    """Which of `count` partitions `key` falls to, for ever."""
    return crc32(key.encode()) % count


def parts(view: View) -> Sequence[View]:
    """What is kept of `view`, partition by partition; the view itself where it has only one.

    Raises ValueError where it can't be kept so.
    """
    count = view.partitions
    if not 1 <= count <= MOST:
        raise ValueError(f"the view {view.name!r} can't have {count} partitions, but 1 to {MOST}")
    if divided := [joined.name for joined in view.joins if joined.partitions > 1]:
        raise ValueError(
            f"the view {view.name!r} can't join {divided[0]!r}, which is in partitions"
        )
    if count > 1 and len(view.name) > NAME:
        raise ValueError(f"a view in partitions has a name of at most {NAME} characters")
    return [view] if count == 1 else [_of(view, number) for number in range(count)]


def holds(name: str, key: str) -> bool:
    """Whether `key` falls to the view or the part of that name."""
    match = _part.fullmatch(name)
    return match is None or falling(key, int(match[3])) == int(match[2])


def least(each: Sequence[Positions]) -> Positions:
    """Up to where all have come, by domain."""
    return {domain: min(positions[domain] for positions in each) for domain in each[0]}


def whole(name: str) -> str:
    """The name of the view that a part belongs to."""
    match = _part.fullmatch(name)
    return match[1] if match else name


def _of(view: View, number: int) -> View:
    def keys(event: Recorded[Any]) -> Iterable[str]:
        return [key for key in view.keys(event) if falling(key, view.partitions) == number]

    name = f"{view.name}__{number}of{view.partitions}"
    return replace(view, name=name, keys=keys, partitions=1)
