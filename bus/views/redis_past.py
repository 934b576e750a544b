"""Views in Redis as they were."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bus.store.port import ParkedRow
from bus.view import View
from bus.views.build import Build
from bus.views.builds import remembering
from bus.views.past import NotRemembered, Past, Touched, Write
from bus.views.port import RowChange, ViewMissing
from bus.views.redis_builds import listed
from bus.views.redis_keys import Names, entry
from bus.views.redis_rows import RedisRows
from bus.views.redis_stood import Fields, Stood

LOOKED = 1000
"""Keys after which others who ask have their turn, where writes are gone through."""


class Moment(Struct):
    """A write that is remembered; `time` is in seconds."""

    number: int
    time: int
    positions: dict[str, int]


class Scripts(NamedTuple):
    """Registered on the server."""

    stood: Any
    moment: Any
    changes: Any
    ago: Any
    touched: Any


class RedisHistory:
    """See `bus.views.port.History`."""

    def __init__(self, redis: Any, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts
        self._given: list[tuple[View, Names, int]] = []

    async def at(self, view: View, wanted: Mapping[str, int]) -> RedisPast:
        there = remembering(view, (await listed(self._redis, view.name)).builds)
        if not there:
            raise ViewMissing(view.name)
        since = None
        for build in there:
            last, first = await self._moments(view, build, wanted)
            if last is not None:
                names = Names(view.name, build.number)
                self._given.append((view, names, last.number))
                return RedisPast(self._redis, self._scripts, view, names, last)
            since = since or (first.positions if first else None)
        raise NotRemembered(view, since)

    async def changed(
        self, one: Past, other: Past, behind: Touched, most: int
    ) -> Sequence[Touched]:
        (first,), (second,) = one.parts, other.parts
        view = first.view
        (build, after), (another, upto) = sorted((first.write, second.write))
        if build != another:
            return await self._all(view, (build, another), behind.key, most)
        names = Names(view.name, build)
        found: list[Touched] = []
        start = max(behind.number, after + 1)
        while start <= upto and len(found) < most:
            args = [after, start, upto, LOOKED]
            text = await self._scripts.touched(keys=[names.written, names.history("")], args=args)
            start, keys = msgspec.json.decode(text, type=tuple[int, dict[int, list[str]]])
            new = sorted(Touched(number, key) for number, of in keys.items() for key in of)
            found += [touched for touched in new if touched > behind]
        return found[:most]

    async def _all(
        self, view: View, builds: Sequence[int], behind: str, most: int
    ) -> Sequence[Touched]:
        page = {"start": f"({behind}" if behind else "-", "end": "+", "offset": 0, "num": most}
        found: set[str] = set()
        for build in builds:
            index = Names(view.name, build).all
            found.update(await self._redis.zrange(index, bylex=True, **page))
        return [Touched(0, key) for key in sorted(found)[:most]]

    async def check(self) -> None:
        """Raises NotRemembered where what has been asked was forgotten meanwhile."""
        for view, names, number in self._given:
            first = await self._redis.zrange(names.moments, 0, 0, withscores=True)
            if not first or first[0][1] > number:
                raise NotRemembered(view, None)

    async def _moments(
        self, view: View, build: Build, wanted: Mapping[str, int]
    ) -> Sequence[Moment | None]:
        """The last that is not beyond `wanted`, and the first of all."""
        keys = [Names(view.name, build.number).moments]
        texts = await self._scripts.moment(keys=keys, args=[msgspec.json.encode(wanted)])
        return [msgspec.json.decode(text, type=Moment) if text else None for text in texts]


class RedisPast:
    """See `bus.views.port.Part`."""

    def __init__(
        self, redis: Any, scripts: Scripts, view: View, names: Names, moment: Moment
    ) -> None:
        self.positions = moment.positions
        self.write = Write(names.build, moment.number)
        self._redis = redis
        self._scripts = scripts
        self.view = view
        self.parts = (self,)
        self._names = names
        self._number = moment.number

    async def parked(self) -> Collection[tuple[str, str]]:
        at = {f"{self.view.name}/{domain}": n for domain, n in self.positions.items()}
        texts = await self._redis.hvals(self._names.parked)
        rows = [msgspec.json.decode(text, type=ParkedRow) for text in texts]
        return {(row.reader, row.key) for row in rows if row.position <= at[row.reader]}

    async def slots(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        domains = [source.contract.domain for source in self.view.sources]
        rows = await self._stood({}).held(keys, [f"slot:{domain}" for domain in domains])
        slots = {
            key: {domain: slot for domain, slot in zip(domains, row, strict=True) if slot}
            for key, row in zip(keys, rows, strict=True)
        }
        return {key: of for key, of in slots.items() if of}

    async def rows(self, changed: Sequence[RowChange]) -> RedisRows:
        known = {change.key: _fields(change) for change in changed}
        return RedisRows(self._stood(known), self.view.columns, _nothing_joined)

    def _stood(self, known: Mapping[str, Fields]) -> Stood:
        return Stood(
            self._redis,
            self._scripts.stood,
            self._names,
            self.view.columns,
            moment=self._number,
            known=known,
        )


def _fields(change: RowChange) -> Fields:
    if not change.row:
        return [None, *(None for _ in change.columns)]
    return [change.row, *(entry(value, change.key) for value in change.columns)]


async def _nothing_joined(view: str) -> Any:
    """Who asks for rows as they were says of each view at which positions."""
    raise ViewMissing(view)
