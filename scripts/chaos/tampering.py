"""Corruptions of a view's rows behind its processes' backs: in Postgres and in Redis."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

import asyncpg
import msgspec
from redis.asyncio import Redis

from bus.view import View
from bus.views.build import Build
from bus.views.builds import serving
from bus.views.postgres_builds import SERVING
from bus.views.postgres_names import table
from bus.views.postgres_seals import row_seal
from bus.views.redis_keys import Names

WRONG = '{"nobody":"has written this"}'


class Done(NamedTuple):
    """`key` is the one whose row is wrong now, or should not be there; it had been repaired
    `booked` times before."""

    kind: str
    key: str
    booked: int


class Tampers(Protocol):
    view: View

    async def tamper(self, kind: str, chance: random.Random, number: int) -> Done | None:
        """None where there was nothing to corrupt."""

    async def booked(self, key: str) -> int:
        """How often the key has been repaired."""

    async def overwritten(self, done: Done) -> bool:
        """Whether the next write of the key has put it right before anybody had to find it."""


class Postgres:
    """Of one view; `number` is a number that no other corruption has."""

    KINDS = ("row", "slot", "column", "seal", "removed", "added", "renamed")

    def __init__(self, view: View, connection: asyncpg.Pool) -> None:
        self.view = view
        self._pool = connection

    async def tamper(self, kind: str, chance: random.Random, number: int) -> Done | None:
        found = await self._pool.fetchrow(SERVING, self.view.name)
        if found is None:
            return None
        base = table(self.view.name, found["number"])
        skip = chance.randrange(max(1, await self._pool.fetchval(f"select count(*) from {base}")))
        key = await self._pool.fetchval(
            f"select key from {base} order by key offset {skip} limit 1"
        )
        if key is None:
            return None
        if kind == "column" and not self.view.columns:
            return None
        new = f"nobody-{number}"
        wrong = new if kind == "added" else key
        before = await self.booked(wrong)
        done = await self._pool.execute(self._statement(kind, base, chance), key, new)
        return None if done.endswith(" 0") else Done(kind, wrong, before)

    def _statement(self, kind: str, base: str, chance: random.Random) -> str:
        slot = f"slot_{chance.choice([source.contract.domain for source in self.view.sources])}"
        column, held = chance.choice([*self.view.columns.items()] or [("", str)])
        value = f"'{WRONG}'" if held is str else f'coalesce("{column}", 0) + 1'
        where = "where key = $1 and $2 <> ''"
        return {
            "row": f"update {base} set row = '{WRONG}' {where}",
            "slot": f"update {base} set \"{slot}\" = '{WRONG}' {where}",
            "column": f'update {base} set "{column}" = {value} {where}',
            "seal": f"update {base} set seal = seal + 1 {where}",
            "removed": f"delete from {base} {where}",
            "added": f"insert into {base} (key, row) select $2, row from {base} where key = $1",
            "renamed": f"update {base} set key = $2 where key = $1",
        }[kind]

    async def booked(self, key: str) -> int:
        statement = "select count(*) from view_repairs where view = $1 and key = $2"
        return int(await self._pool.fetchval(statement, self.view.name, key))

    async def overwritten(self, done: Done) -> bool:
        """A write that was under way writes the row whole, and so does the next one of a row that
        was removed."""
        number = await self._pool.fetchval(SERVING, self.view.name)
        base = table(self.view.name, number)
        whole = f"select seal = {row_seal(self.view, 'b')} from {base} as b where key = $1"
        return done.kind != "added" and bool(await self._pool.fetchval(whole, done.key))


class Valkey:
    """As Postgres."""

    KINDS = ("field", "slot", "seal", "removed", "added", "no trace", "entry", "stray", "keys")

    def __init__(self, view: View, redis: Redis) -> None:
        self.view = view
        self._redis: Any = redis

    async def tamper(self, kind: str, chance: random.Random, number: int) -> Done | None:
        names = await self._names()
        keys = await self._redis.zrange(names.keys, 0, -1)
        if not keys:
            return None
        key, new = chance.choice(keys), f"nobody-{number}"
        held = await self._redis.hgetall(names.row(key))
        if "row" not in held:
            return None
        wrong = new if kind in ("added", "stray") else key
        before = await self.booked(wrong)
        done = await _REDIS[kind](_Row(names, self._redis, key, new, held, self.view))
        return Done(kind, wrong, before) if done is not False else None

    async def booked(self, key: str) -> int:
        found = await self._redis.lrange(Names(self.view.name, 0).repairs, 0, -1)
        return sum(msgspec.json.decode(text)[3] == key for text in found)

    async def overwritten(self, done: Done) -> bool:
        """No write is ever under way here, so it is only the next one: of a row that was removed,
        or was missing where its key or its column should have been named."""
        names = await self._names()
        if done.kind in ("removed", "no trace"):
            return bool(await self._redis.exists(names.row(done.key)))
        if done.kind == "keys":
            there = await self._redis.hexists(names.row(done.key), "row")
            return bool(there) == (await self._redis.zscore(names.keys, done.key) is not None)
        if done.kind == "entry":
            index = names.by(next(iter(self.view.columns)))
            entry = await self._redis.hget(names.row(done.key), "by:1")
            return entry is None or await self._redis.zscore(index, entry) is not None
        return False

    async def _names(self) -> Names:
        found = await self._redis.hgetall(Names(self.view.name, 0).catalogue)
        found.pop("turn", None)
        asked = serving([msgspec.json.decode(text, type=Build) for text in found.values()])
        return Names(self.view.name, asked.number if asked else 0)


class _Row(NamedTuple):
    names: Names
    redis: Any
    key: str
    new: str
    held: Mapping[str, str]
    view: View


async def _no_trace(row: _Row) -> None:
    pipeline = row.redis.pipeline()
    pipeline.unlink(row.names.row(row.key))
    pipeline.hdel(row.names.seals, row.key)
    pipeline.zrem(row.names.all, row.key)
    pipeline.zrem(row.names.keys, row.key)
    for number, column in enumerate(row.view.columns, start=1):
        pipeline.zrem(row.names.by(column), row.held[f"by:{number}"])
    await pipeline.execute()


async def _added(row: _Row) -> None:
    await row.redis.hset(row.names.row(row.new), mapping=row.held)


async def _field(row: _Row) -> None:
    await row.redis.hset(row.names.row(row.key), "row", WRONG)


async def _slot(row: _Row) -> None:
    name = next(name for name in row.held if name.startswith("slot:"))
    await row.redis.hset(row.names.row(row.key), name, WRONG)


async def _seal(row: _Row) -> None:
    await row.redis.hset(row.names.seals, row.key, "0123456789abcdef")


async def _removed(row: _Row) -> None:
    await row.redis.unlink(row.names.row(row.key))


async def _entry(row: _Row) -> bool:
    index = row.names.by(next(iter(row.view.columns)))
    return bool(await row.redis.zrem(index, row.held["by:1"]))


async def _stray(row: _Row) -> None:
    text = row.held["by:1"].replace(f"\0{row.key}", f"\0{row.new}")
    await row.redis.zadd(row.names.by(next(iter(row.view.columns))), {text: 0})


async def _keys(row: _Row) -> bool:
    return bool(await row.redis.zrem(row.names.keys, row.key))


_REDIS: Mapping[str, Callable[[_Row], Awaitable[bool | None]]] = {
    "field": _field,
    "slot": _slot,
    "seal": _seal,
    "removed": _removed,
    "added": _added,
    "no trace": _no_trace,
    "entry": _entry,
    "stray": _stray,
    "keys": _keys,
}
