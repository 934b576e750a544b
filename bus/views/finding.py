"""What `find` and `totals` ask for, and how pages are made: the same for every kind of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from bus.view import Page, RowData, Rows, Scalar
from bus.views import cursor
from bus.views.cursor import Cursor


class Sought(NamedTuple):
    """As `bus.view.Rows.find` takes it."""

    where: Mapping[str, Scalar]
    order: str | None = None
    descending: bool = False
    after: str | None = None


class Summing(NamedTuple):
    """As `bus.view.Rows.totals` takes it."""

    by: Sequence[str]
    of: Sequence[str]
    where: Mapping[str, Scalar] = {}
    order: str | None = None
    limit: int | None = None


class Placed(NamedTuple):
    """A row, and where it stands among all that are sought."""

    place: Cursor
    row: RowData


class Finds(Rows, Protocol):
    """Rows whose places are known, so that those of several partitions can be told in order."""

    async def found(self, sought: Sought, most: int) -> Sequence[Placed]:
        """The first rows, `most` at most. Raises WrongCursor."""

    async def summed(self, summing: Summing) -> Sequence[RowData]: ...


class Finding(ABC):
    """Whoever can find rows makes pages of them."""

    @abstractmethod
    async def found(self, sought: Sought, most: int) -> Sequence[Placed]: ...

    @abstractmethod
    async def summed(self, summing: Summing) -> Sequence[RowData]: ...

    async def find(
        self,
        where: Mapping[str, Scalar],
        *,
        order: str | None = None,
        descending: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """See `bus.view.Rows.find`: one more than `limit` tells whether there is another page."""
        placed = await self.found(Sought(where, order, descending, after), limit + 1)
        more = placed[limit - 1].place if len(placed) > limit else None
        rows = [one.row for one in placed[:limit]]
        return Page(rows, cursor.encode(*more) if more is not None else None)

    async def totals(
        self,
        by: Sequence[str],
        of: Sequence[str],
        *,
        where: Mapping[str, Scalar] | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> Sequence[RowData]:
        """See `bus.view.Rows.totals`."""
        return await self.summed(Summing(by, of, where or {}, order, limit))
