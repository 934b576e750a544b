"""What has changed in views in Redis, write by write.

It takes several looks, and rows may be written in between; but what the writes up to one of them
have done stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bus.view import View
from bus.views import builds
from bus.views.changes import Mark, Standing, Version
from bus.views.redis_builds import listed
from bus.views.redis_keys import Names, places
from bus.views.redis_past import Moment, Scripts
from bus.views.redis_stood import Stood

CHUNK = 200
"""Keys looked at in one round trip."""


class RedisChanges:
    """See `bus.views.changes.Changes`."""

    def __init__(self, redis: Any, scripts: Scripts, view: View, serving: int) -> None:
        self.serving = serving
        self._redis = redis
        self._scripts = scripts
        self._view = view

    async def standing(self, build: int) -> Standing | None:
        head = await self._redis.hgetall(self._names(build).head)
        return Standing(int(head.get("moment", 0)), _positions(head)) if head else None

    async def between(
        self, build: int, after: int, upto: int, keys: Collection[str] | None
    ) -> Sequence[Version]:
        names = self._names(build)
        if keys is None:
            keys = await self._redis.zrange(names.since, f"({after}", "+inf", byscore=True)
        first = await self._redis.zrange(names.moments, 0, 0, withscores=True)
        remembers = int(bool(first) and first[0][1] <= after)
        found: list[Version] = []
        for chunk in _chunks(sorted(keys)):
            text = await self._scripts.changes(
                keys=[names.since, names.row(""), names.history("")],
                args=[after, upto, msgspec.json.encode(chunk), remembers],
            )
            found += [Version(key, row or None, n) for key, row, n in msgspec.json.decode(text)]
        return sorted(found, key=lambda version: (version.moment, version.key))

    async def rows(self, build: int, moment: int, keys: Sequence[str]) -> Mapping[str, str]:
        stood = Stood(
            self._redis, self._scripts.stood, self._names(build), self._view.columns, moment=moment
        )
        rows = [row for chunk in _chunks(keys) for row in await stood.held(chunk, ["row"])]
        return {key: row for key, (row,) in zip(keys, rows, strict=True) if row}

    async def keys(self, build: int, behind: str, most: int) -> Sequence[str]:
        start = f"({behind}" if behind else "-"
        found: Sequence[str] = await self._redis.zrange(
            self._names(build).all, start, "+", bylex=True, offset=0, num=most
        )
        return found

    async def positions(self, build: int, moment: int) -> Mapping[str, int]:
        names = self._names(build)
        found = await self._redis.zrange(
            names.moments, moment, "+inf", byscore=True, offset=0, num=1
        )
        if found:
            return msgspec.json.decode(found[0], type=Moment).positions
        return _positions(await self._redis.hgetall(names.head))

    async def last(self, wanted: Mapping[str, int]) -> int:
        every = {source.contract.domain: 2**53 for source in self._view.sources}
        texts = await self._scripts.moment(
            keys=[self._names(self.serving).moments],
            args=[msgspec.json.encode(every | dict(wanted))],
        )
        for text in filter(None, texts):
            return msgspec.json.decode(text, type=Moment).number
        return await self._ago(self.serving, 0)

    async def ago(self, seconds: float) -> Mark:
        there = (await listed(self._redis, self._view.name)).builds
        asked = builds.asked_at(there, datetime.now(UTC) - timedelta(seconds=seconds))
        build = asked.number if asked else self.serving
        return Mark(build, await self._ago(build, seconds))

    async def _ago(self, build: int, seconds: float) -> int:
        names = self._names(build)
        return int(await self._scripts.ago(keys=[names.head, names.moments], args=[seconds]))

    def _names(self, build: int) -> Names:
        return Names(self._view.name, build)


def _positions(head: Mapping[str, str]) -> Mapping[str, int]:
    return {domain: place.position for domain, place in places(head).items()}


def _chunks(keys: Sequence[str]) -> Sequence[Sequence[str]]:
    return [keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)]
