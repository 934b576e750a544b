"""Which builds of a view a Redis holds, and how one takes over from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple, cast

import msgspec

from bus.clock import uuid7
from bus.view import View
from bus.views import builds
from bus.views.build import Aim, Build, Stage
from bus.views.kept import shape
from bus.views.redis_keys import Names, head_seal

SWEEP = 500
"""Keys deleted at once."""


def script(name: str) -> str:
    return files("bus.views").joinpath(name).read_text("utf-8")


class Listed(NamedTuple):
    """What the catalogue said in one `turn` of its changes."""

    turn: str
    builds: Sequence[Build]


async def listed(redis: Any, view: str) -> Listed:
    found = await redis.hgetall(Names(view, 0).catalogue)
    turn = found.pop("turn", "0")
    return Listed(turn, sorted(msgspec.json.decode(t, type=Build) for t in found.values()))


class RedisBuilds:
    """The catalogue of one view. Every method raises what redis-py raises."""

    def __init__(self, redis: Any, view: View) -> None:
        self._redis = redis
        self._view = view
        self._catalogue = Names(view.name, 0).catalogue
        self._change = redis.register_script(script("redis_builds.lua"))
        self._take_over = redis.register_script(script("redis_take_over.lua"))

    async def listed(self) -> Listed:
        return await listed(self._redis, self._view.name)

    async def bind(self, aim: Aim, bound: int | None) -> Build:
        """The build that a store of the view works on, begun if need be. Raises as
        `builds.chosen`."""
        while True:
            turn, there = await self.listed()
            gone = builds.dropped_first(self._view, there, aim, bound)
            left = [build for build in there if build not in gone]
            found = builds.chosen(self._view, left, aim, bound)
            if found is None:
                begun = self._begun(there, left, aim)
                if await self._changed(turn, {**dict.fromkeys(gone), begun: begun}, begin=begun):
                    await self._sweep(gone)
                    return begun
            elif gone:
                if await self._changed(turn, dict.fromkeys(gone)):
                    await self._sweep(gone)
            elif aim is Aim.BACK and found.stage is Stage.KEPT and bound is None:
                making = _placed(found, Stage.MAKING)
                if await self._changed(turn, {found: making}):
                    return making
            else:
                return found

    async def take_over(self, number: int) -> bool:
        """See `bus.views.port.ViewStore.take_over`."""
        while True:
            turn, there = await self.listed()
            ours = next(build for build in there if build.number == number)
            asked = builds.serving(there)
            if asked == ours:
                break
            placed = [_placed(ours, Stage.SERVING)]
            placed += [_placed(asked, Stage.KEPT)] if asked else []
            heads = [Names(self._view.name, b.number).head for b in (ours, asked or ours)]
            done = await self._take_over(
                keys=[self._catalogue, *heads], args=[turn, uuid7(), _text(placed)]
            )
            if done == 0:
                return False
            if done == 1:
                break
        await self.drop(lambda there: builds.outlived(there, number))
        return True

    async def drop(self, which: Any) -> None:
        """Those that `which` names of all builds."""
        while True:
            turn, there = await self.listed()
            gone = which(there)
            if not gone or await self._changed(turn, dict.fromkeys(gone)):
                await self._sweep(gone)
                return

    def _begun(self, there: Sequence[Build], left: Sequence[Build], aim: Aim) -> Build:
        """Of those that were there, `left` stay."""
        view, stage = self._view, builds.first_stage(left, aim)
        now = datetime.now(UTC)
        return Build(builds.next_number(there), view.version, shape(view), stage, now)

    async def _changed(
        self, turn: str, changes: Mapping[Build, Build | None], begin: Build | None = None
    ) -> bool:
        texts = {
            str(before.number): None if after is None else msgspec.json.encode(after).decode()
            for before, after in changes.items()
        }
        head = {}
        if begin is not None:
            domains = [source.contract.domain for source in self._view.sources]
            head = {"total": "0" * 16, "count": "0", **{f"at:{d}": "0 " for d in domains}}
            head |= {"stamp": uuid7(), "seal": head_seal(head)}
        name = Names(self._view.name, begin.number if begin else 0).head
        args = [turn, msgspec.json.encode(texts), msgspec.json.encode(head)]
        return bool(await self._change(keys=[self._catalogue, name], args=args))

    async def _sweep(self, gone: Sequence[Build]) -> None:
        for build in gone:
            names = Names(self._view.name, build.number)
            await self._redis.unlink(names.head)  # first: then nobody writes to it any more
            await self.unlink(f"{names.base}:*")

    async def unlink(self, pattern: str) -> None:
        found: list[str] = []
        async for key in self._redis.scan_iter(pattern, count=SWEEP):
            found.append(cast(str, key))
            if len(found) == SWEEP:
                await self._redis.unlink(*found)
                found.clear()
        if found:
            await self._redis.unlink(*found)

    async def abandon(self, number: int) -> None:
        """Drops a build that nobody else works on: swept first, as its number may be used again
        at once."""
        gone = [build for build in (await self.listed()).builds if build.number == number]
        await self._sweep(gone)
        while gone:
            turn, there = await self.listed()
            gone = [build for build in there if build.number == number]
            if gone and await self._changed(turn, dict.fromkeys(gone)):
                return

    async def lose(self, number: int) -> None:
        """Begins another build in the place of one whose head is not what was written: nothing
        of it can be trusted. It is asked once it has caught up."""
        turn, there = await self.listed()
        gone = [build for build in there if build.number == number]
        if gone:
            begun = builds.successor(self._view, there)
            if await self._changed(turn, {**dict.fromkeys(gone), begun: begun}, begin=begun):
                await self._sweep(gone)

    async def leave_first_format(self) -> None:
        """A Redis from before there were builds: its rows are made anew, from the events."""
        if await self._redis.hexists(self._catalogue, "built"):
            await self._redis.unlink(self._catalogue)
            await self.unlink(f"{self._catalogue}:v*")


def _placed(build: Build, stage: Stage) -> Build:
    return build._replace(stage=stage, since=datetime.now(UTC))


def _text(placed: Sequence[Build]) -> bytes:
    texts = {str(build.number): msgspec.json.encode(build).decode() for build in placed}
    return msgspec.json.encode(texts)
