"""What proves that a view's rows are right, and what mends those that are not.

Each row bears a seal, a hash over all that it holds, and the head of a build holds the sum (XOR)
of all seals, their count, and a seal over these and the checkpoints. All are moved in the
transaction of a write: so whatever is changed by anybody else can be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from bus.views.port import RowChange

MOST_REPAIRS = 1000
"""Repairs that are told, the latest first; Redis and memory keep no more than these."""


class Sums(NamedTuple):
    """What a build's head says of its rows: all seals XORed, as 16 hex digits, and how many."""

    total: str
    rows: int


class Walked(NamedTuple):
    """Keys of one page whose rows are not what was written, and the cursor of the next page, ""
    behind the last."""

    altered: Sequence[str]
    next: str


class ViewRepaired(NamedTuple):
    """A row that was put right. `before` is what was there and `after` what is right, as JSON,
    None where nothing was or should be; `positions` are those that `after` belongs to."""

    at: datetime
    view: str
    build: int
    key: str
    positions: Mapping[str, int]
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Mend:
    """What keys shall hold, made from the events up to where the build is at `stamp`: whole
    rows, and keys that must not be there. The head's sums stay: they are those of the right
    rows. `sums`, where all keys have been compared, are those that the head must have."""

    stamp: str
    next_stamp: str
    rows: Sequence[RowChange]
    gone: Sequence[str]
    sums: Sums | None = None

    @property
    def keys(self) -> Sequence[str]:
        return [*(row.key for row in self.rows), *self.gone]


class Proves(Protocol):
    """What a view's store can do beside reading and writing. Raises as `bus.views.port` says."""

    async def walk(self, cursor: str) -> Walked:
        """Computes the seals of the next page of rows anew, from what the rows hold now; the
        first page's cursor is ""."""

    async def intact(self) -> bool:
        """Whether the seals that stand in the rows sum up to what the head says."""

    async def sums(self) -> Sums:
        """What the head says."""

    async def held(self, keys: Sequence[str]) -> Mapping[str, str]:
        """All that stands under each of the keys, as JSON, for people to read."""

    async def mend(self, mend: Mend) -> Sequence[ViewRepaired]:
        """Puts right what is wrong of the keys and books it, in one transaction; writes nothing
        where all is right. Raises Superseded."""

    async def repairs(self) -> Sequence[ViewRepaired]:
        """What was booked, the latest first, MOST_REPAIRS at most."""

    async def abandon(self) -> None:
        """Drops the build that this store works on."""
