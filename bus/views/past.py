"""A view's rows as they were, in whichever place they are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bus.view import View
from bus.views.finding import Finds

if TYPE_CHECKING:
    from bus.views.port import RowChange


class Write(NamedTuple):
    """One of a view's writes, by the number of the build and its own; from 1 on in each build."""

    build: int
    number: int


class Touched(NamedTuple):
    """A key, and by its number the first write between two others that touched it. 0: nobody knows
    which did."""

    number: int
    key: str


class Past(Protocol):
    """A view's rows as they were."""

    @property
    def parts(self) -> Sequence[Part]:
        """Of a view in partitions, those of each; else this one."""

    async def rows(self, changed: Sequence[RowChange]) -> Finds:
        """To ask: those of `changed` in the place of what stands under their keys."""


class Part(Past, Protocol):
    """Rows as one of a view's, or a partition's, writes left them."""

    @property
    def view(self) -> View: ...

    @property
    def write(self) -> Write:
        """Which one."""

    @property
    def positions(self) -> Mapping[str, int]:
        """Up to where they had been folded."""

    async def parked(self) -> Collection[tuple[str, str]]:
        """(reader, key) of what was parked by then and is parked still."""

    async def slots(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """As `ViewStore.load`."""


class History(Protocol):
    """The pasts of all views that are kept in one place, in one moment of it."""

    async def at(self, view: View, wanted: Mapping[str, int]) -> Past:
        """After the last write that is beyond `wanted`, by domain, in no stream; in whichever
        build of the view's version remembers it. Raises NotRemembered, ViewMissing."""

    async def changed(
        self, one: Past, other: Past, behind: Touched, most: int
    ) -> Sequence[Touched]:
        """Where keys of a view were touched behind `behind`, in order: each once that was written
        between two writes of one build, or all keys of two builds. Others follow only where there
        are `most`."""


class NotRemembered(Exception):
    """No build remembers its rows from so long ago. `since` is where what is remembered begins,
    None where nothing is."""

    def __init__(self, view: View, since: Mapping[str, int] | None) -> None:
        first = ", ".join(f"{d}={n}" for d, n in sorted((since or {}).items()))
        what = f"its rows from {first} on" if first else "none of its earlier rows"
        super().__init__(f"the view {view.name} remembers {what}")
        self.since = since


class Moved(Exception):
    """The rows were written while they were asked, and what they were before is not remembered:
    what was read may be of two moments."""
