"""The space that a view's history takes, how long questions about it take, and forgetting it."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg
from redis.asyncio import Redis

from bus.view import Rows, View
from bus.views.port import ViewStore
from bus.views.postgres_names import table
from bus.views.redis_keys import Names
from domains.ordering.messages import CONTRACT

PAGE = 50

Ask = Callable[[Rows], Awaitable[object]]


class Moment(NamedTuple):
    """The position that a write moved to, and a key that it wrote."""

    position: int
    key: str


class Space(NamedTuple):
    """Rows that stand and rows that were replaced, and the bytes of both with their indexes."""

    rows: int
    bytes: int
    replaced: int
    replaced_bytes: int


class Asked(NamedTuple):
    """Median seconds of a question: now, and as of a moment anywhere in the history."""

    live: float
    as_of: float


class Costs(NamedTuple):
    """`forgotten` is the seconds that it takes to forget the whole history."""

    space: Space
    get: Asked
    find: Asked
    forgotten: float


@dataclass
class Found:
    """Events a second, round by round, and what the history of the last round costs."""

    remembering: list[float] = field(default_factory=list)
    forgetting: list[float] = field(default_factory=list)
    costs: Costs = field(init=False)

    @property
    def ratio(self) -> float:
        """How much is left of the speed."""
        return statistics.median(self.remembering) / statistics.median(self.forgetting)


async def costs(store: ViewStore, url: str, moments: Sequence[Moment], questions: int) -> Costs:
    """`moments` are the view's writes, one after the other; `questions` of each kind are asked."""
    (build,) = await store.builds()
    measured = _in_redis if store.view.backend == "redis" else _in_postgres
    space = await measured(store.view, build.number, url)
    chance = random.Random(1)
    gets, finds = [], []
    for _ in range(questions):
        number = chance.randrange(len(moments))
        at, known = moments[number].position, moments[chance.randrange(number + 1)].key
        gets.append(await _asked(store, at, _get(known)))
        finds.append(await _asked(store, at, _find))
    began = time.perf_counter()
    await store.trim(datetime.now(UTC))
    return Costs(space, _median(gets), _median(finds), time.perf_counter() - began)


async def _in_postgres(view: View, build: int, url: str) -> Space:
    base = table(view.name, build)
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(f"""
            select (select count(*) from {base}), pg_total_relation_size('{base}'),
                (select count(*) from {base}_history),
                pg_total_relation_size('{base}_history') + pg_total_relation_size('{base}_moments')
        """)
    finally:
        await connection.close()
    assert row is not None
    return Space(*row)


async def _in_redis(view: View, build: int, url: str) -> Space:
    names = Names(view.name, build)
    async with Redis.from_url(url, decode_responses=True) as redis:
        every = [key async for key in redis.scan_iter(f"{names.base}:*", count=1000)]
        past = {names.moments, names.written, names.oldest}
        histories = [key for key in every if key.startswith(names.history(""))]
        past.update(histories)
        sizes = {key: await redis.memory_usage(key, samples=0) or 0 for key in every}
        replaced = sum([await redis.zcard(key) for key in histories])
        rows = await redis.zcard(names.keys)
    behind = sum(size for key, size in sizes.items() if key in past)
    return Space(rows, sum(sizes.values()) - behind, replaced, behind)


def _get(key: str) -> Ask:
    async def get(rows: Rows) -> None:
        if await rows.get(key) is None:
            raise LookupError(f"there is no row {key}, so that the number would mean nothing")

    return get


async def _find(rows: Rows) -> None:
    if not (await rows.find({}, order="total", descending=True, limit=PAGE)).rows:
        raise LookupError("there are no rows, so that the number would mean nothing")


async def _asked(store: ViewStore, at: int, ask: Ask) -> Asked:
    """One after the other, so that both meet the same machine."""
    began = time.perf_counter()
    async with store.snapshot() as snapshot:
        await ask(snapshot.rows)
    live = time.perf_counter()
    async with store.history() as history:
        past = await history.at(store.view, {CONTRACT.domain: at})
        await ask(await past.rows(()))
    return Asked(live - began, time.perf_counter() - live)


def _median(asked: Sequence[Asked]) -> Asked:
    return Asked(*map(statistics.median, zip(*asked, strict=True)))
