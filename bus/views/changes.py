"""How a view's rows have come to be what they are, write by write: what live queries are told.

Writes are numbered within a build, and what each has replaced is remembered (`as_of.py`). So what
has changed can be told from the rows, whichever process has written them, and none is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from bus.store.port import Lease

STEPS = 8
"""Writes that are told at once, at most."""
PAGE = 1000
"""Keys compared at once where another build has taken over."""


class Mark(NamedTuple):
    """A write of a build. While what another build has in other ways is told, `key` is the last
    key compared."""

    build: int
    moment: int
    key: str = ""


class Version(NamedTuple):
    """What people see under a key since the write number `moment`, as JSON; None: nothing."""

    key: str
    row: str | None
    moment: int


class News(NamedTuple):
    """A version as it is told, and the positions that the view had come to with it."""

    key: str
    row: str | None
    mark: Mark
    positions: Mapping[str, int]


class Told(NamedTuple):
    """What has changed up to `mark`, in the order of the writes. `ended`: that is all."""

    mark: Mark
    news: Sequence[News]
    ended: bool = True


class Standing(NamedTuple):
    """The last write of a build, and its positions."""

    moment: int
    positions: Mapping[str, int]


class Lost(Exception):
    """The build of a mark has gone, or has not come to it: it was made anew."""


class Changes(Protocol):
    """The writes of a view's builds. Where they are not remembered, only the last version of each
    row is there, and counts as changed: nobody knows the one before."""

    @property
    def serving(self) -> int:
        """The build that is asked."""

    async def standing(self, build: int) -> Standing | None:
        """None where the build has gone."""

    async def between(
        self, build: int, after: int, upto: int, keys: Collection[str] | None
    ) -> Sequence[Version]:
        """What the writes behind `after`, up to `upto`, have changed of `keys`, or of all, in the
        order of writes and keys. To write a row as it was is no change."""

    async def rows(self, build: int, moment: int, keys: Sequence[str]) -> Mapping[str, str]:
        """Those of the rows that people saw after a write, as JSON."""

    async def keys(self, build: int, behind: str, most: int) -> Sequence[str]:
        """The first keys behind one of them, in order."""

    async def positions(self, build: int, moment: int) -> Mapping[str, int]:
        """Those after a write; where it is not remembered, after the next one that is."""

    async def last(self, wanted: Mapping[str, int]) -> int:
        """The last write of the build that serves which is beyond `wanted` in no stream; else
        the first that is remembered."""

    async def ago(self, seconds: float) -> Mark:
        """The last write that is older than that, as the server's clock goes, of the build that
        was asked then; else the first that is remembered."""


class Tells(Protocol):
    """What a view's store can do for live queries, beside reading and writing. Raises as
    `bus.views.port` says."""

    def lease(self) -> Lease:
        """Who tells: one process of the view, whichever build it works on."""

    def changes(self) -> AbstractAsyncContextManager[Changes]:
        """Raises Replaced as `snapshot`."""

    async def noted(self) -> Mark | None:
        """What was noted last."""

    async def note(self, mark: Mark | None) -> None:
        """Up to where all changes have been told: so the next one who tells goes on from there."""


async def told(changes: Changes, after: Mark, keys: Collection[str] | None) -> Told:
    """The next step behind `after`; at the end the mark stays where it is. Raises Lost.

    Where another build has taken over, what the one that served before has still come to is told
    first; then what stands in the other one in other ways, from where that took over.
    """
    standing = await changes.standing(after.build)
    if standing is None or standing.moment < after.moment:
        raise Lost
    if after.moment < standing.moment:
        upto = min(standing.moment, after.moment + STEPS)
        found = await changes.between(after.build, after.moment, upto, keys)
        ended = (after.build, standing.moment) == (changes.serving, upto)
        return Told(Mark(after.build, upto), await _news(changes, after.build, found), ended)
    if after.build == changes.serving:
        return Told(after, ())
    return await _taken_over(changes, after, standing, keys)


async def stood(changes: Changes, mark: Mark, keys: Sequence[str]) -> Sequence[News]:
    """What people saw under each of the keys."""
    rows = await changes.rows(mark.build, mark.moment, keys)
    positions = await changes.positions(mark.build, mark.moment)
    return [News(key, rows.get(key), mark, positions) for key in keys]


async def _taken_over(
    changes: Changes, after: Mark, old: Standing, keys: Collection[str] | None
) -> Told:
    now = Mark(changes.serving, await changes.last(old.positions))
    page = sorted(keys) if keys is not None else await _page(changes, after)
    was = await changes.rows(after.build, after.moment, page)
    news = [one for one in await stood(changes, now, page) if one.row != was.get(one.key)]
    whole = keys is not None or len(page) < PAGE
    return Told(now if whole else after._replace(key=page[-1]), news, ended=False)


async def _page(changes: Changes, after: Mark) -> Sequence[str]:
    """The next keys that either of the builds has."""
    both = {
        key
        for build in (after.build, changes.serving)
        for key in await changes.keys(build, after.key, PAGE)
    }
    return sorted(both)[:PAGE]


async def _news(changes: Changes, build: int, found: Sequence[Version]) -> Sequence[News]:
    at = {moment: await changes.positions(build, moment) for moment in {v.moment for v in found}}
    return [News(key, row, Mark(build, moment), at[moment]) for key, row, moment in found]
