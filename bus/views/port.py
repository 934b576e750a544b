"""Where a view's rows are kept. Adapters: `postgres.py`, `redis.py`, `memory.py`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bus.halt import Halt
from bus.store.port import Checkpoint, Parked, ParkedRow
from bus.view import Rows, Scalar, View


class State(NamedTuple):
    """How far a view is.

    `stamp` changes with each write; a write names the one that it rests on. `parked` holds
    (reader, key) of all keys of which something is parked. `built` is False while the
    rows are behind those of an earlier version of the view, which still stand.
    """

    stamp: str
    checkpoints: Mapping[str, Checkpoint]
    parked: Collection[tuple[str, str]]
    built: bool


class RowChange(NamedTuple):
    """A row as it shall be: the slots that change, what people see, and its columns.

    `slots`, by domain, and `row` are JSON; without `row` the key has slots but is seen by
    nobody. `columns` are in the order of the view's, all None where there is no row.
    """

    key: str
    slots: Mapping[str, str]
    row: str | None
    columns: Sequence[Scalar]


@dataclass(frozen=True, slots=True)
class Change:
    """All that one transaction writes, or nothing of it.

    `places` are the checkpoints that it moves to, by domain. `parked` is new, or stands in
    for what was parked there, with one more attempt; `unparked` are (reader, key, position).
    """

    stamp: str
    next_stamp: str
    places: Mapping[str, Checkpoint] = field(default_factory=dict)
    rows: Sequence[RowChange] = ()
    parked: Sequence[Parked] = ()
    unparked: Sequence[tuple[str, str, int]] = ()


class Snapshot(NamedTuple):
    """Rows to ask, and the positions that they have been folded up to (or beyond)."""

    rows: Rows
    positions: Mapping[str, int]


class Superseded(Exception):
    """Nothing was written: the view has moved on since its state was read."""


class ViewChanged(Halt):
    """The view's declaration does not fit what is kept under its version; says what to do."""

    @classmethod
    def of(cls, view: View) -> ViewChanged:
        """Other columns or sources than before, under the same version."""
        return cls(
            f"The rows of view {view.name}, version {view.version}, were made with other "
            "columns or sources than it has now: raise its version, and it is built anew"
        )

    @classmethod
    def gone(cls, view: View) -> ViewChanged:
        """Another version has been built meanwhile."""
        return cls(
            f"The rows of view {view.name}, version {view.version}, have gone: another version "
            "took their place. Start this version again to build it anew"
        )


class ViewMissing(Exception):
    """A question joins with a view that is not here, or not built yet."""

    def __init__(self, view: str) -> None:
        super().__init__(f"the view {view} is not here yet")


class ViewStore(Protocol):
    """One view's rows. Every method raises bus.store.port.StoreUnavailable where the
    servers can't be reached, and ViewChanged where the rows are not this view's."""

    @property
    def view(self) -> View: ...

    async def open(self) -> None:
        """Connects and creates what is missing. Safe when several processes do it at once."""

    async def close(self) -> None: ...

    async def state(self) -> State:
        """How far the view is; begins anew where everything has vanished."""

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """For those of the keys that have any, the slots' JSON by domain."""

    async def write(self, change: Change) -> None:
        """Writes all in one transaction and one round trip. Raises Superseded."""

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        """What is parked, of one reader or all, by reader, key and position."""

    async def settle(self) -> None:
        """Marks this version as built, and drops all others."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Committed rows and positions that belong together, to answer one question."""
