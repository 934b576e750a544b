"""Where a view's rows are kept, in builds (`build.py`), and how they were (`past.py`). Adapters:
`postgres.py`, `redis.py`, `memory.py`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from bus.halt import Halt
from bus.store.port import Checkpoint, Parked, ParkedRow
from bus.view import Scalar, View
from bus.views.build import Aim, Build, Stage
from bus.views.changes import Tells
from bus.views.finding import Finds
from bus.views.past import History
from bus.views.proof import Proves, ViewRepaired


class State(NamedTuple):
    """How far a build is.

    `stamp` changes with each write; a write names the one that it rests on. `parked` holds
    (reader, key) of all keys of which something is parked.
    """

    stamp: str
    checkpoints: Mapping[str, Checkpoint]
    parked: Collection[tuple[str, str]]
    stage: Stage

    @property
    def serving(self) -> bool:
        return self.stage is Stage.SERVING


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
    """Rows to ask, and the positions that they have been folded up to.

    `joined` fills while they are asked: the positions of each other view that is joined with.
    """

    rows: Finds
    positions: Mapping[str, int]
    joined: Mapping[str, Mapping[str, int]]


class Digests(NamedTuple):
    """What stands under some keys that follow each other, and the positions it belongs to.

    `of` each key is the digest of all that it holds: slots, row and columns. `end` is the last
    of the keys, "" where no other follows.
    """

    positions: Mapping[str, int]
    of: Mapping[str, str]
    end: str


class Superseded(Exception):
    """Nothing was written: the view has moved on since its state was read."""


class Altered(Exception):
    """Nothing was read or written: what stands under `keys` is not what the view's processes
    have written. No keys: rows are missing, or there are too many."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(", ".join(keys) or "rows are missing, or too many")
        self.keys = keys


class ViewChanged(Halt):
    """The view's declaration does not fit what is kept under its version; says what to do."""

    @classmethod
    def of(cls, view: View) -> ViewChanged:
        """Other columns or sources than before, under the same version."""
        return cls(
            f"The rows of view {view.name}, version {view.version}, were made with other "
            "columns or sources than it has now: raise its version, and it is built anew"
        )


class Replaced(Halt):
    """Another version of the view has taken over: whoever asks is to ask that one."""

    def __init__(self, view: View) -> None:
        super().__init__(
            f"another version of the view {view.name} has taken over from version {view.version}: "
            "stop this process, or raise the version to take over again"
        )


class NothingServes(Exception):
    """The view has no rows yet: no process of it has ever run on this store."""

    def __init__(self, view: View) -> None:
        super().__init__(f"the view {view.name} has no rows yet: start its process")


class NothingKept(Exception):
    """There is no build to go back to."""

    def __init__(self, view: View, found: Collection[Build]) -> None:
        versions = sorted({b.version for b in found if b.stage is Stage.KEPT})
        other = f", only of version {', '.join(map(str, versions))}" if versions else ""
        super().__init__(
            f"no build of version {view.version} of the view {view.name} is kept{other}"
        )


class ViewMissing(Exception):
    """A question joins with a view that is not here, or not built yet."""

    def __init__(self, view: str) -> None:
        super().__init__(f"the view {view} is not here yet")


class Asks(Protocol):
    """What can be asked of a view that is kept. Raises as `ViewStore` does."""

    @property
    def view(self) -> View: ...

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        """What is parked, of one reader or all, by reader, key and position."""

    async def repairs(self) -> Sequence[ViewRepaired]:
        """What was put right, the latest first."""

    def history(self) -> AbstractAsyncContextManager[History]:
        """Rows as they were, to answer one question. Raises Replaced as `snapshot`."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Committed rows and positions that belong together, to answer one question: of the
        build that serves, or, in a store opened to rebuild, of the one in the making. Raises
        Replaced where what serves is another version."""


class ViewStore(Asks, Proves, Tells, Protocol):
    """One view's rows, in one of its builds. Every method raises bus.store.port.StoreUnavailable
    where the servers can't be reached, and ViewChanged where the rows are not this view's."""

    async def open(self) -> None:
        """Connects, finds its build and creates what is missing. Safe when several processes do
        it at once. Raises NothingKept, NothingServes, Replaced."""

    async def close(self) -> None: ...

    async def state(self) -> State:
        """How far the build is; begins anew where everything has vanished. A store that was
        opened to serve goes over to a build of its version that has taken over meanwhile.
        Raises Replaced."""

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """For those of the keys that have any, the slots' JSON by domain. Raises Altered."""

    async def write(self, change: Change) -> None:
        """Writes all in one transaction and one round trip. Raises Superseded, Altered."""

    def beside(self, aim: Aim) -> ViewStore:
        """One more store of the view on the same servers, to be opened."""

    async def digests(self, after: str, *, most: int, upto: str = "") -> Digests:
        """Digests of the keys behind `after`, in order: those up to `upto`, or else `most` at
        most."""

    async def builds(self) -> Sequence[Build]:
        """All builds of the view, by number."""

    async def ready(self) -> None:
        """Makes what a build needs only before it is asked. May take a while."""

    async def take_over(self) -> bool:
        """From now on this build serves, and the one that did is kept, all in one moment.
        Builds that were begun before it are dropped, but for that one.

        False, and nothing has happened, while the one that serves is further in any stream.
        """

    async def tidy(self, before: datetime) -> None:
        """Drops the builds that have been kept since a time before `before`."""

    async def remember(self) -> None:
        """From now on what a write supersedes is kept, so that rows can be asked as they were.
        A store that was told to remember nothing forgets all instead."""

    async def trim(self, before: datetime) -> None:
        """Forgets what had been superseded before a time, in all builds of the view's."""
