"""A view's rows in Redis or Valkey: what its keys are called is in `redis_keys.py`.

The server must not evict (`maxmemory-policy noeviction`): it may lose everything, and the
view is built anew, but not something.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bus.clock import uuid7
from bus.store.port import Parked, ParkedRow, StoreUnavailable
from bus.tasks import heeding_cancellation
from bus.view import View
from bus.views.kept import check_view, shape
from bus.views.port import Change, Snapshot, State, Superseded, ViewChanged
from bus.views.redis_keys import Names, entry, place_text, places
from bus.views.redis_rows import RedisRows

PATIENCE = 30.0
"""Seconds until a server that does not answer counts as an outage."""
SWEEP = 500
"""Keys deleted at once."""


def _script(name: str) -> str:
    return files("bus.views").joinpath(name).read_text("utf-8")


class RedisViewStore:
    """See `bus.views.port.ViewStore`. A snapshot's rows may be newer than its positions."""

    def __init__(self, view: View, url: str) -> None:
        check_view(view)
        self.view = view
        self._url = url
        self._names = Names(view.name, view.version)
        # Typed loosely: every method of redis-py gives a value or an awaitable of it.
        self._redis: Any = None

    async def open(self) -> None:
        # Each event loop has connections of its own.
        self._redis = Redis.from_url(
            self._url, decode_responses=True, socket_timeout=PATIENCE, socket_connect_timeout=5
        )
        self._load = self._redis.register_script(_script("redis_load.lua"))
        self._write = self._redis.register_script(_script("redis_write.lua"))
        self._begin = self._redis.register_script(_script("redis_begin.lua"))
        await self._head(may_begin=True)

    async def close(self) -> None:
        redis, self._redis = self._redis, None
        if redis is not None:
            await redis.aclose()

    async def state(self) -> State:
        built, head = await self._head(may_begin=False)
        parked = {(row.reader, row.key) for row in await self.parked()}
        return State(head["stamp"], places(head), parked, built)

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        domains = [source.contract.domain for source in self.view.sources]
        args = [_text(keys), _text([f"slot:{domain}" for domain in domains])]
        if not keys:
            return {}
        with self._reaching():
            found = msgspec.json.decode(await self._load(keys=[self._names.row("")], args=args))
        slots = {
            key: {domain: slot for domain, slot in zip(domains, row, strict=True) if slot}
            for key, row in zip(keys, found, strict=True)
        }
        return {key: of for key, of in slots.items() if of}

    async def write(self, change: Change) -> None:
        before = {_field(row): row for row in await self.parked()} if change.parked else {}
        names = self._names
        keys = [names.head, names.keys, names.parked, names.row("")]
        keys += map(names.by, self.view.columns)
        with self._reaching(committing=True):
            if not await self._write(keys=keys, args=_arguments(change, before)):
                raise Superseded

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        with self._reaching():
            found = await self._redis.hvals(self._names.parked)
        rows = [msgspec.json.decode(text, type=ParkedRow) for text in found]
        return sorted(row for row in rows if reader in (None, row.reader))

    async def settle(self) -> None:
        names = self._names
        with self._reaching(committing=True):
            await self._redis.hset(names.catalogue, "built", names.version)
            for name in await self._redis.hkeys(names.catalogue):
                if name not in ("built", f"v{names.version}"):
                    await self._redis.hdel(names.catalogue, name)
                    await self._sweep(Names(names.view, int(name[1:])))

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        with self._reaching():
            head = await self._redis.hgetall(self._names.head)
            if not head:
                raise StoreUnavailable(f"The view {self.view.name} was lost and is built anew")
            positions = {domain: place.position for domain, place in places(head).items()}
            yield Snapshot(RedisRows(self._redis, self._names, self.view.columns), positions)

    async def _head(self, *, may_begin: bool) -> tuple[bool, Mapping[str, str]]:
        names = self._names
        domains = [source.contract.domain for source in self.view.sources]
        args = [names.version, shape(self.view), uuid7(), int(may_begin), *domains]
        with self._reaching():
            found = await self._begin(keys=[names.catalogue, names.head], args=args)
        if found is None:
            raise ViewChanged.gone(self.view)
        begun, built, flat = found
        if begun != shape(self.view):
            raise ViewChanged.of(self.view)
        return int(built) == names.version, dict(zip(flat[::2], flat[1::2], strict=True))

    async def _sweep(self, old: Names) -> None:
        found: list[str] = []
        async for key in self._redis.scan_iter(f"{old.base}:*", count=SWEEP):
            found.append(cast(str, key))
            if len(found) == SWEEP:
                await self._redis.unlink(*found)
                found.clear()
        if found:
            await self._redis.unlink(*found)

    @contextmanager
    def _reaching(self, *, committing: bool = False) -> Iterator[None]:
        if self._redis is None:
            raise RuntimeError(f"the store of view {self.view.name} is not open")
        try:
            with heeding_cancellation():
                yield
        except (RedisError, OSError, TimeoutError) as error:
            host = urlsplit(self._url).hostname or "localhost"
            message = f"Redis on {host} can't be reached or can't write ({error})"
            raise StoreUnavailable(message, unknown=committing) from error


def _arguments(change: Change, before: Mapping[str, ParkedRow]) -> Sequence[str]:
    rows = [
        (
            row.key,
            [text for domain, slot in row.slots.items() for text in (f"slot:{domain}", slot)],
            row.row or "",
            [entry(value, row.key) if row.row else "" for value in row.columns],
        )
        for row in change.rows
    ]
    parked = [_again(new, before) for new in change.parked]
    places = {f"at:{domain}": place_text(place) for domain, place in change.places.items()}
    return [
        *(change.stamp, change.next_stamp, _text(places)),
        *(_text(rows), _text(["\0".join(map(str, gone)) for gone in change.unparked])),
        _text([(_field(row), _text(row)) for row in parked]),
    ]


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _field(row: ParkedRow) -> str:
    return f"{row.reader}\0{row.key}\0{row.position}"


def _again(new: Parked, before: Mapping[str, ParkedRow]) -> ParkedRow:
    row = ParkedRow(*new, attempts=1, since=datetime.now(UTC))
    old = before.get(_field(row))
    return row._replace(attempts=old.attempts + 1, since=old.since) if old else row
