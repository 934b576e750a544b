"""Read models: what a view is and what its queries may ask.

A view's row is computed from slots, one a source stream, each folded in its own stream's
order. So it cannot matter how the streams interleave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta, Struct

from bus.contract import Contract
from bus.envelope import Recorded
from bus.messages import Event

Scalar = str | int | None
RowData = Mapping[str, Any]
"""A row as plain JSON."""


@dataclass(frozen=True)
class Source:
    """A stream that a view folds, and the shape of its slot in each row.

    `events` names the types that `keys` is asked about, so that all others are read over
    without being decoded; None: all that the contract knows. In the place of the contract's
    class may stand one of the view's own with the same tag and fewer fields: only those are
    taken from the event, which is several times as fast, and `fold` gets that class.

    With `envelopes`, `keys` and `fold` get events whose `data` is None: only what the envelope
    says is read, of types too that the contract does not know.
    """

    contract: Contract
    slot: type[Struct]
    events: Sequence[type[Event]] | None = None
    envelopes: bool = False


class Page(Struct, frozen=True):
    """Rows in order; `next` goes into the next question's `page`, None at the end."""

    rows: Sequence[RowData]
    next: str | None


class Rows(Protocol):
    """What a query may ask of a view's rows. Every method reads committed rows only."""

    async def get(self, key: str) -> RowData | None: ...

    async def many(self, keys: Iterable[str]) -> Mapping[str, RowData]:
        """Those of the rows that exist, in the order of `keys`."""

    async def find(
        self,
        where: Mapping[str, Scalar],
        *,
        order: str | None = None,
        descending: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """Rows whose columns equal `where`, ordered by a column and then by key."""

    async def totals(
        self,
        by: Sequence[str],
        of: Sequence[str],
        *,
        where: Mapping[str, Scalar] | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> Sequence[RowData]:
        """Sums of the columns `of` and a `count`, grouped by the columns `by`.

        Ordered by `by`, or by the sum named `order`, the largest first. Redis views
        can't be asked for totals.
        """

    def of(self, view: str) -> Rows:
        """Another view's rows, to join at query time; it must have the same back end, and be
        among the view's `joins`, so that it can be asked as it was."""


class UnknownKey(Exception):
    """The question names a key that the view has no row for: answered with 404."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Everything(Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of a query that takes none."""


class Paged(Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of a query that answers page by page; add fields in a subclass.

    `page` is the `next` of the page before.
    """

    limit: Annotated[int, Meta(ge=1, le=1000, description="rows a page")] = 50
    page: str | None = None


def page(rows: Sequence[RowData], asked: Paged) -> Page:
    """The part of `rows` that is asked for, where all of them are at hand, as totals are.

    Raises WrongCursor.
    """
    if not (asked.page or "0").isdecimal():
        raise WrongCursor(f"{asked.page!r} is no page's `next`")
    start = int(asked.page or 0)
    end = start + asked.limit
    return Page(rows[start:end], str(end) if end < len(rows) else None)


def sortable(time: datetime) -> str:
    """ISO 8601 in UTC to the microsecond: as text it is in the order of time."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class WrongCursor(ValueError):
    """It is no page's `next`: answered as invalid."""


@dataclass(frozen=True)
class Query:
    """A question: `qry.<view>.<name>[.<key>]` with the JSON of `params` as its body, which may
    also name positions to wait for, as in {"after":{"ordering":4711}}, or those to go back to, as
    in {"as_of":{"ordering":4711}}: so no parameter can have the name `after` or `as_of`.

    `answer(rows, key, params)` gives plain JSON; `key` is "" where the subject has none.
    `keyed` says whether the subject must carry a key; `example` is a body for the help.
    """

    name: str
    answer: Callable[[Rows, str, Any], Awaitable[Any]]
    params: type[Struct] = Everything
    keyed: bool = False
    example: str = ""


@dataclass(frozen=True)
class View:
    """A read model in one file.

    `keys(recorded)` names the rows that an event touches, `fold(slot, recorded, key)`
    gives the source's next slot (None: the slot is new), `row(slots)` what people see,
    from the slots by domain, or None where there is nothing to see. All three are pure.
    `columns` are the row's fields that queries select, order or sum by; text ones are
    indexed, but for those in `unindexed`, which queries only sum by: an index has to be
    written with almost every event. `joins` are the other views that queries ask. A change of
    `version` rebuilds the view from the first event. `partitions` divide the keys of a view that
    one worker can't keep up with: its workers share them. Such a view can't be among `joins`.
    """

    name: str
    version: int
    sources: Sequence[Source]
    keys: Callable[[Recorded[Any]], Iterable[str]]
    fold: Callable[[Any, Recorded[Any], str], Struct]
    row: Callable[[Mapping[str, Any]], Struct | None]
    queries: Sequence[Query]
    columns: Mapping[str, type[str] | type[int]] = field(default_factory=dict)
    unindexed: Sequence[str] = ()
    joins: Sequence[View] = ()
    partitions: int = 1
    backend: Literal["postgres", "redis"] = "postgres"
