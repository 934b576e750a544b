"""Deaths that are set down for the processes of a mesh, in a folder of its home.

A process takes its own note away when it finds it, and leaves another when it dies of it. So
whoever is started again in its place lives.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from scripts.chaos.failpoints import Point, Side


class Death(Struct, frozen=True):
    """At the `time`-th call of that name after the note was found; from 1."""

    call: str
    side: Side
    time: int


class Note:
    """The one of the process that runs `module`, in the mesh whose home is `home`."""

    def __init__(self, home: Path, module: str) -> None:
        self._set_down = home / "deaths" / f"{module}.json"
        self._died = home / "deaths" / f"{module}.died"

    def set_down(self, death: Death) -> None:
        self._set_down.parent.mkdir(exist_ok=True)
        self._died.unlink(missing_ok=True)
        draft = self._set_down.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(death))
        draft.rename(self._set_down)

    def take(self) -> Death | None:
        """None where nothing is set down."""
        try:
            note = self._set_down.read_bytes()
        except FileNotFoundError:
            return None
        self._set_down.unlink()
        return msgspec.json.decode(note, type=Death)

    def sign(self) -> None:
        """The process dies here, of what was set down."""
        self._died.touch()

    @property
    def signed(self) -> bool:
        return self._died.exists()


class Fate:
    """Where a process dies: `meets` says whether a point is it."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._death: Death | None = None
        self._passed = 0

    def meets(self, point: Point) -> bool:
        if self._death is None:
            self._death, self._passed = self._note.take(), 0
        death = self._death
        if death is None or (point.call.name, point.side) != (death.call, death.side):
            return False
        self._passed += 1
        return self._passed == death.time
