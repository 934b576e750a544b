"""What has changed in a view between two moments: `changed.<view>.list`.

    {"from":{"ordering":4711,"payments":12},"to":"2026-01-31T12:00:00Z","limit":100}

Both are as a query's `as_of`: without `to` it is now. The answer names the positions of both and
the rows that differ, in the order in which they first changed, page by page. Who goes on to the
next page names the positions that the first one has told: so all pages are of the same moments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from bus import replies, subjects
from bus.answering import Answering
from bus.broker.port import Broker, Endpoint, Reply, Request
from bus.intake import Invalid
from bus.plan import ENVELOPE_ROOM
from bus.view import View, WrongCursor
from bus.views import cursor
from bus.views.as_of import AsOf, Wanted, forgotten
from bus.views.bodies import decoded
from bus.views.differences import BEGIN, Differences, Found, side
from bus.views.handing_on import HandingOn
from bus.views.kept import possible
from bus.views.past import NotRemembered, Touched
from bus.views.port import Asks, Replaced, ViewMissing
from bus.views.progress import Progress

ROOM = 2000
"""Bytes of an answer that its rows don't get."""

Positions = Mapping[str, int]


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """`key`: only that one. `page` is the `next` of the page before."""

    before: AsOf = msgspec.field(name="from")
    after: AsOf | None = msgspec.field(name="to", default=None)
    key: str | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    page: str | None = None


class ChangedList(Struct, frozen=True):
    """`changed` are `bus.views.differences.Changed`. Where `next` is not null there may be more,
    also behind a page that has few or none."""

    status: str
    before: Positions = msgspec.field(name="from")
    after: Positions = msgspec.field(name="to")
    changed: Sequence[Raw]
    next: str | None


_asked = msgspec.json.Decoder(Asked)


def endpoints(
    view: View, store: Asks, progress: Progress, broker: Broker, handing_on: HandingOn
) -> Sequence[Endpoint]:
    """Any of a view's processes can tell, so one of them answers."""
    listing = Listing(view, store, progress, broker)

    async def answer(request: Request) -> bytes | Reply:
        try:
            return await listing.answer(request)
        except Replaced:
            return await handing_on.ask(request)

    about = {"example": '{"from":"2026-01-31T12:00:00Z"}'}
    subject = subjects.changed_list(view.name)
    return [Endpoint("changed-list", subject, Answering(answer), metadata=about)]


class Listing:
    """The question, as it is asked over the broker."""

    def __init__(self, view: View, store: Asks, progress: Progress, broker: Broker) -> None:
        self._view = view
        self._store = store
        self._progress = progress
        self._broker = broker

    async def answer(self, request: Request) -> bytes:
        """Raises Invalid, StoreUnavailable, Replaced."""
        asked = decoded(_asked, request.body)
        before = await self._positions(asked.before, "from")
        after = await self._positions(asked.after, "to")
        try:
            found = await self._found(asked, before, after)
        except ViewMissing as missing:
            raise Invalid(replies.unavailable("ViewMissing", str(missing))) from missing
        except NotRemembered as gone:  # since it was looked up
            raise forgotten(gone, "from") from gone
        except WrongCursor as wrong:
            raise Invalid(replies.invalid("InvalidBody", str(wrong), field="page")) from wrong
        rows = [Raw(text) for text in found.changed]
        following = None if found.behind is None else cursor.encode(*found.behind)
        return msgspec.json.encode(ChangedList("ok", before, after, rows, following))

    async def _positions(self, as_of: AsOf | None, field: str) -> Positions:
        """Those of a moment, to which the view has come."""
        if as_of is None:
            async with self._store.snapshot() as snapshot:
                positions = snapshot.positions
        else:
            positions = await Wanted(self._view, as_of, self._broker, field).of(self._view)
            await self._progress.reached(positions)
        return dict(sorted(positions.items()))

    async def _found(self, asked: Asked, before: Positions, after: Positions) -> Found:
        behind = _behind(asked.page) if asked.page is not None else BEGIN
        room = self._broker.max_payload - ENVELOPE_ROOM - ROOM
        view, broker = self._view, self._broker
        async with self._store.history() as history:
            sides = (
                await side(view, history, before, broker, "from"),
                await side(view, history, after, broker, "to"),
            )
            differences = Differences(history, *sides, room=room)
            if asked.key is not None:
                return await differences.of(asked.key)
            return await differences.page(behind, asked.limit)


def _behind(page: str) -> Touched:
    """Raises WrongCursor."""
    number, key = cursor.decode(page, int)
    if not isinstance(number, int) or not possible(number) or not possible(key):
        raise WrongCursor(f"{page!r} is the `next` of another question")
    return Touched(number, key)
