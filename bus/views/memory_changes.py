"""What has changed in views in memory, write by write."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bus.views import builds
from bus.views.changes import Mark, Standing, Version
from bus.views.memory_past import last_moment
from bus.views.memory_shelf import Row, Shelf

UNKNOWN = object()


class MemoryChanges:
    """See `bus.views.changes.Changes`. `shelves` are the view's builds by number."""

    def __init__(self, shelves: Mapping[int, Shelf], serving: int) -> None:
        self.serving = serving
        self._shelves = shelves

    async def standing(self, build: int) -> Standing | None:
        shelf = self._shelves.get(build)
        return Standing(shelf.writes, shelf.positions) if shelf is not None else None

    async def between(
        self, build: int, after: int, upto: int, keys: Collection[str] | None
    ) -> Sequence[Version]:
        shelf = self._shelves[build]
        found = [
            version
            for key in (shelf.rows if keys is None else keys)
            for version in _changed(shelf, key, after)
            if version.moment <= upto
        ]
        return sorted(found, key=lambda version: (version.moment, version.key))

    async def rows(self, build: int, moment: int, keys: Sequence[str]) -> Mapping[str, str]:
        shelf = self._shelves[build]
        rows = shelf.as_of(moment) if shelf.moments else shelf.rows
        shown = {key: _shown(rows[key]) for key in keys if key in rows}
        return {key: row for key, row in shown.items() if row is not None}

    async def keys(self, build: int, behind: str, most: int) -> Sequence[str]:
        return sorted(key for key in self._shelves[build].rows if key > behind)[:most]

    async def positions(self, build: int, moment: int) -> Mapping[str, int]:
        shelf = self._shelves[build]
        found = (one.positions for one in shelf.moments if one.number >= moment)
        return next(found, shelf.positions)

    async def last(self, wanted: Mapping[str, int]) -> int:
        shelf = self._shelves[self.serving]
        every = {**dict.fromkeys(shelf.positions, 2**63), **wanted}
        found = last_moment(shelf, every)
        return found.number if found is not None else _first(shelf)

    async def ago(self, seconds: float) -> Mark:
        time = datetime.now(UTC) - timedelta(seconds=seconds)
        asked = builds.asked_at([shelf.build for shelf in self._shelves.values()], time)
        build = asked.number if asked else self.serving
        shelf = self._shelves[build]
        found = (one.number for one in reversed(shelf.moments) if one.at < time)
        return Mark(build, next(found, _first(shelf)))


def _first(shelf: Shelf) -> int:
    return shelf.moments[0].number if shelf.moments else shelf.writes


def _changed(shelf: Shelf, key: str, after: int) -> Iterator[Version]:
    remembers = bool(shelf.moments) and shelf.moments[0].number <= after
    before: object = None if remembers else UNKNOWN
    for row in _versions(shelf, key, after):
        shown = _shown(row)
        if row.since > after and shown != before:
            yield Version(key, shown, row.since)
        before = shown


def _versions(shelf: Shelf, key: str, after: int) -> Iterator[Row]:
    """From the one on that stood at the write `after`."""
    for gone in shelf.superseded.get(key, ()):
        if gone.until > after:
            yield gone.row
    if key in shelf.rows:
        yield shelf.rows[key]


def _shown(row: Row) -> str | None:
    return row.shown[0] if row.shown is not None else None
