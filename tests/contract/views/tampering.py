"""Alters rows behind the runtime's back, in whatever they are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bus.store.port import Checkpoint
from bus.views.memory import MemoryViewStore
from bus.views.port import ViewStore
from bus.views.postgres import PostgresViewStore

ROW = '{"id":"b-1","who":"eve","owed":1,"note":""}'
SLOT = '{"id":"b-1","who":"eve","billed":1,"note":""}'

Tamper = Callable[[Any], Awaitable[None]]


async def _sql(store: Any, statement: str) -> None:
    async with store._connections.asking() as connection:
        await connection.execute(statement.replace("@", store._base))


def _memory(kind: str) -> Tamper:
    async def tamper(store: Any) -> None:
        shelf = store._shelf()
        row = shelf.rows["b-1"]
        match kind:
            case "row":
                shelf.rows["b-1"] = row._replace(shown=(ROW, row.shown[1]))
            case "slot":
                shelf.rows["b-1"] = row._replace(slots={**row.slots, "bills": SLOT})
            case "column":
                columns = {"who": "eve", "owed": 1, "note": ""}
                shelf.rows["b-1"] = row._replace(shown=(row.shown[0], columns))
            case "removed":
                del shelf.rows["b-1"], shelf.seals["b-1"]
            case "added":
                shelf.rows["b-x"] = row._replace(slots={"bills": SLOT})
            case "checkpoint":
                shelf.checkpoints["bills"] = Checkpoint(99, "x")

    return tamper


_POSTGRES = {
    "row": f"update @ set row = '{ROW}' where key = 'b-1'",
    "slot": f"update @ set slot_bills = '{SLOT}' where key = 'b-1'",
    "column": "update @ set who = 'eve' where key = 'b-1'",
    "removed": "delete from @ where key = 'b-1'",
    "added": f"insert into @ (key, row, slot_bills) values ('b-x', '{ROW}', '{SLOT}')",
    "renamed": "update @ set key = 'b-x' where key = 'b-1'",
    "seal": "update @ set seal = 1 where key = 'b-1'",
    "copied": 'insert into @ select (jsonb_populate_record(b, \'{"key":"b-x"}\')).* from @ b'
    " where key = 'b-1'",
    "checkpoint": "update @_checkpoints set position = 99 where domain = 'bills'",
    "no checkpoint": "delete from @_checkpoints where domain = 'bills'",
    "no head": "delete from @_head",
    "sums": "update @_head set total = 1",
}


async def _no_trace(names: Any, redis: Any, held: Mapping[str, str]) -> None:
    await redis.unlink(names.row("b-1"))
    await redis.hdel(names.seals, "b-1")
    for name in (names.all, names.keys):
        await redis.zrem(name, "b-1")
    for number, column in enumerate(("who", "owed", "note"), start=1):
        await redis.zrem(names.by(column), held[f"by:{number}"])


EVE, NOBODY = "\x01eve\0b-1", "\x01eve\0b-x"
_REDIS: Mapping[str, Callable[[Any, Any, Any], Awaitable[Any]]] = {
    "row": lambda names, redis, held: redis.hset(names.row("b-1"), "row", ROW),
    "slot": lambda names, redis, held: redis.hset(names.row("b-1"), "slot:bills", SLOT),
    "column": lambda names, redis, held: redis.hset(names.row("b-1"), "by:1", EVE),
    "removed": lambda names, redis, held: redis.unlink(names.row("b-1")),
    "added": lambda names, redis, held: redis.hset(names.row("b-x"), "row", ROW),
    "field": lambda names, redis, held: redis.hset(names.row("b-1"), "more", "x"),
    "no hash": lambda names, redis, held: redis.set(names.row("b-1"), "x"),
    "no utf-8": lambda names, redis, held: redis.hset(names.row("b-1"), "row", b"\xff\xfe"),
    "wholly removed": _no_trace,
    "entry gone": lambda names, redis, held: redis.zrem(names.by("who"), held["by:1"]),
    "entry added": lambda names, redis, held: redis.zadd(names.by("who"), {EVE: 0}),
    "entry of nobody": lambda names, redis, held: redis.zadd(names.by("who"), {NOBODY: 0}),
    "entry moved": lambda names, redis, held: redis.zadd(names.by("owed"), {held["by:2"]: 7}),
    "keys": lambda names, redis, held: redis.zrem(names.keys, "b-1"),
    "all": lambda names, redis, held: redis.zadd(names.all, {"b-x": 0}),
    "seal": lambda names, redis, held: redis.hset(names.seals, "b-1", "no seal"),
    "checkpoint": lambda names, redis, held: redis.hset(names.head, "at:bills", "99 x"),
    "no head": lambda names, redis, held: redis.unlink(names.head),
}


def _redis(kind: str) -> Tamper:
    async def tamper(store: Any) -> None:
        names, redis = store._names, store._redis
        await _REDIS[kind](names, redis, await redis.hgetall(names.row("b-1")))

    return tamper


def _postgres(kind: str) -> Tamper:
    return lambda store: _sql(store, _POSTGRES[kind])


_HEADS = ("checkpoint", "no checkpoint", "no head", "sums")
KINDS: Mapping[str, Sequence[str]] = {
    "memory": ("row", "slot", "column", "removed", "added", "checkpoint"),
    "postgres": tuple(_POSTGRES),
    "redis": tuple(_REDIS),
}
ROWS = {backend: [k for k in kinds if k not in _HEADS] for backend, kinds in KINDS.items()}
HEADS = {backend: [k for k in kinds if k in _HEADS] for backend, kinds in KINDS.items()}


async def tamper(store: ViewStore, kind: str) -> None:
    """Does it to the row of b-1, or to one of b-x, which there is not, or to the head."""
    if isinstance(store, MemoryViewStore):
        await _memory(kind)(store)
    elif isinstance(store, PostgresViewStore):
        await _postgres(kind)(store)
    else:
        await _redis(kind)(store)


async def all_held(store: ViewStore) -> Any:
    """Everything that is there, to compare: digests, and in Redis every index, too."""
    digests = (await store.digests("", most=100_000)).of
    redis = getattr(store, "_redis", None)
    if redis is None:
        return digests
    names: Any = store._names  # type: ignore[attr-defined]
    zsets = [names.all, names.keys, *map(names.by, store.view.columns)]
    indexes = [await redis.zrange(name, 0, -1, withscores=True) for name in zsets]
    rows = sorted([name async for name in redis.scan_iter(f"{names.row('')}*".replace("[", "?"))])
    return digests, indexes, rows, await redis.hgetall(names.seals)
