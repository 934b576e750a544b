"""What differs between a view's rows at two moments, page by page.

Only keys that have been written between the two are looked at, in the order in which they first
were; all of them where the rows have been made anew meanwhile. What events between two writes
touch, which are folded once more, comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from bus import replies
from bus.broker.port import Broker
from bus.intake import Invalid
from bus.view import RowData, Rows, View
from bus.views.as_of import forgotten
from bus.views.between import between
from bus.views.past import History, NotRemembered, Past, Touched

CHUNK = 200
"""Keys looked at in one go."""
MOST = 5000
"""Keys looked at for one page: then it may have few rows, or none."""


class Changed(Struct, frozen=True):
    """A row at both moments; null where there was none."""

    key: str
    before: RowData | None
    after: RowData | None


BEGIN = Touched(-1, "")
"""Before all keys."""


class Found(NamedTuple):
    """Each of `changed` as JSON. `behind` is where the next page begins, None at the end."""

    changed: Sequence[bytes]
    behind: Touched | None


class Side(NamedTuple):
    """Rows at one of the moments: left by a write, and changed by the few events since."""

    past: Past
    rows: Rows
    changed: Sequence[str]


async def side(
    view: View, history: History, at: Mapping[str, int], broker: Broker, field: str
) -> Side:
    """Raises Invalid, which names the `field` that asks for the moment; ViewMissing."""
    try:
        past = await history.at(view, at)
    except NotRemembered as error:
        raise forgotten(error, field) from error
    folded = await between(past, at, broker, field)
    return Side(past, await past.rows(folded), sorted(change.key for change in folded))


class Differences:
    """From `before` to `after`; `room` are the bytes that a page may have."""

    def __init__(self, history: History, before: Side, after: Side, *, room: int) -> None:
        self._history = history
        self._before = before
        self._after = after
        self._room = room

    async def of(self, key: str) -> Found:
        """Of one key. Raises Invalid."""
        return self._fitting(await self._compared([Touched(0, key)]), 1)

    async def page(self, behind: Touched, limit: int) -> Found:
        """What lies behind `behind`, `limit` rows at most. Raises Invalid."""
        found: list[tuple[Touched, Changed]] = []
        for _ in range(MOST // CHUNK):
            touched = await self._touched(behind)
            found += await self._compared(touched)
            if len(touched) < CHUNK:
                return self._fitting(found, limit)
            behind = touched[-1]
            if len(found) >= limit:
                break
        fitting = self._fitting(found, limit)
        return fitting if fitting.behind is not None else fitting._replace(behind=behind)

    async def _touched(self, behind: Touched) -> Sequence[Touched]:
        """Up to CHUNK keys, each once over all pages."""
        folded = {*self._before.changed, *self._after.changed}
        found = sorted(Touched(-1, key) for key in folded if Touched(-1, key) > behind)[:CHUNK]
        while len(found) < CHUNK:
            pasts = (self._before.past, self._after.past)
            start, most = max(behind, *found[-1:], Touched(0, "")), CHUNK - len(found)
            written = await self._history.changed(*pasts, start, most)
            found += [touched for touched in written if touched.key not in folded]
            if len(written) < most:
                break
            behind = written[-1]
        return found

    async def _compared(self, touched: Sequence[Touched]) -> Sequence[tuple[Touched, Changed]]:
        keys = [one.key for one in touched]
        before, after = await self._before.rows.many(keys), await self._after.rows.many(keys)
        both = [(one, Changed(one.key, before.get(one.key), after.get(one.key))) for one in touched]
        return [(one, row) for one, row in both if row.before != row.after]

    def _fitting(self, found: Sequence[tuple[Touched, Changed]], limit: int) -> Found:
        """As many as are asked for and fit."""
        texts: list[bytes] = []
        left = self._room
        for _, changed in found:
            text = msgspec.json.encode(changed)
            left -= len(text) + 1
            if left < 0 and not texts:
                message = f"what has changed of {changed.key} does not fit into one message"
                raise Invalid(replies.error(413, "invalid", "TooLarge", message))
            if left < 0 or len(texts) == limit:
                return Found(texts, found[len(texts) - 1][0])
            texts.append(text)
        return Found(texts, None)
