"""A view's rows in Redis or Valkey: what its keys are called is in `redis_keys.py`.

The server must not evict (`maxmemory-policy noeviction`): it may lose everything, and the
view is built anew, but not something.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bus.store.port import Lease, Parked, ParkedRow, StoreUnavailable
from bus.tasks import heeding_cancellation
from bus.view import View
from bus.views import builds
from bus.views.build import Aim, Build
from bus.views.changes import Mark
from bus.views.kept import Columns, check_view, columns_of
from bus.views.past import Moved
from bus.views.port import (
    Altered,
    Change,
    Digests,
    Replaced,
    Snapshot,
    State,
    Superseded,
    ViewMissing,
)
from bus.views.proof import Mend, Sums, ViewRepaired, Walked
from bus.views.redis_builds import SWEEP, RedisBuilds, listed, script
from bus.views.redis_changes import RedisChanges
from bus.views.redis_keys import Names, entry, fields, head_seal, place_text, places
from bus.views.redis_lease import RedisLease
from bus.views.redis_past import RedisHistory, Scripts
from bus.views.redis_proof import RedisProof, sealed_script
from bus.views.redis_rows import RedisRows
from bus.views.redis_stood import Stood

PATIENCE = 30.0
"""Seconds until a server that does not answer counts as an outage."""


class RedisViewStore:
    """See `bus.views.port.ViewStore`. Where nothing is remembered, a snapshot's rows may be newer
    than its positions."""

    def __init__(
        self, view: View, url: str, *, aim: Aim = Aim.SERVE, remembers: bool = True
    ) -> None:
        check_view(view)
        self.view = view
        self._url = url
        self._aim = aim
        self._remembers = remembers
        self._bound: int | None = None
        # Typed loosely: every method of redis-py gives a value or an awaitable of it.
        self._redis: Any = None

    async def open(self) -> None:
        # Each event loop has connections of its own.
        self._redis = Redis.from_url(
            self._url,
            decode_responses=True,
            encoding_errors="replace",  # of what somebody else has written
            socket_timeout=PATIENCE,
            socket_connect_timeout=5,
        )
        self._load = self._redis.register_script(sealed_script("redis_load.lua"))
        self._write = self._redis.register_script(sealed_script("redis_write.lua"))
        self._digests = self._redis.register_script(script("redis_digests.lua"))
        self._remember = self._redis.register_script(script("redis_remember.lua"))
        self._trim = self._redis.register_script(script("redis_trim.lua"))
        self._scripts = Scripts(
            *(self._redis.register_script(script(f"redis_{name}.lua")) for name in Scripts._fields)
        )
        self._builds = RedisBuilds(self._redis, self.view)
        with self._reaching(committing=True):
            await self._builds.leave_first_format()
            await self._bind()

    async def close(self) -> None:
        redis, self._redis = self._redis, None
        if redis is not None:
            await redis.aclose()

    async def state(self) -> State:
        with self._reaching():
            build = await self._bind()
            head = await self._redis.hgetall(self._names.head)
            while head.get("seal") != head_seal(head):
                await self._builds.lose(build.number)
                build = await self._bind()
                head = await self._redis.hgetall(self._names.head)
        parked = {(row.reader, row.key) for row in await self.parked()}
        return State(head["stamp"], places(head), parked, build.stage)

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        domains = [source.contract.domain for source in self.view.sources]
        slots = _text([f"slot:{domain}" for domain in domains])
        args = [_text(keys), slots, _text(fields(self.view))]
        if not keys:
            return {}
        with self._reaching():
            names = [self._names.row(""), self._names.seals]
            altered, texts = await self._load(keys=names, args=args)
        if keys_altered := msgspec.json.decode(altered, type=list[str]):
            raise Altered(keys_altered)
        found = msgspec.json.decode(texts)
        of_key = {
            key: {domain: slot for domain, slot in zip(domains, row, strict=True) if slot}
            for key, row in zip(keys, found, strict=True)
        }
        return {key: of for key, of in of_key.items() if of}

    async def write(self, change: Change) -> None:
        before = {_field(row): row for row in await self.parked()} if change.parked else {}
        names = self._names
        keys = [names.head, names.keys, names.all, names.parked]
        keys += [names.since, names.moments, names.written, names.oldest]
        keys += [names.row(""), names.history("")]
        keys += [*map(names.by, self.view.columns), names.seals]
        args = [*_arguments(change, before), _text(fields(self.view))]
        with self._reaching(committing=True):
            written = await self._write(keys=keys, args=args)
        if isinstance(written, str):
            raise Altered(msgspec.json.decode(written))
        if not written:
            raise Superseded

    def beside(self, aim: Aim) -> RedisViewStore:
        return RedisViewStore(self.view, self._url, aim=aim)

    async def walk(self, cursor: str) -> Walked:
        with self._reaching():
            return await self._proof.walk(cursor)

    async def intact(self) -> bool:
        with self._reaching():
            return await self._proof.intact()

    async def sums(self) -> Sums:
        with self._reaching():
            return await self._proof.sums()

    async def held(self, keys: Sequence[str]) -> Mapping[str, str]:
        with self._reaching():
            return await self._proof.held(keys)

    async def mend(self, mend: Mend) -> Sequence[ViewRepaired]:
        with self._reaching(committing=True):
            return await self._proof.mend(mend)

    async def repairs(self) -> Sequence[ViewRepaired]:
        with self._reaching():
            return await self._proof.repairs()

    async def abandon(self) -> None:
        with self._reaching(committing=True):
            await self._builds.abandon(self._names.build)

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        with self._reaching():
            found = await self._redis.hvals(self._names.parked)
        rows = [msgspec.json.decode(text, type=ParkedRow) for text in found]
        return sorted(row for row in rows if reader in (None, row.reader))

    async def digests(self, after: str, *, most: int, upto: str = "") -> Digests:
        names = self._names
        low, high = f"({after}" if after else "-", f"[{upto}" if upto else "+"
        args = [low, high, -1 if upto else most + 1, _text(fields(self.view))]
        with self._reaching():
            keys = [names.head, names.all, names.row("")]
            head, found = await self._digests(keys=keys, args=args)
        pairs = list(zip(found[::2], found[1::2], strict=True))
        taken = pairs if upto else pairs[:most]
        at = places(dict(zip(head[::2], head[1::2], strict=True)))
        positions = {domain: place.position for domain, place in at.items()}
        return Digests(positions, dict(taken), taken[-1][0] if len(taken) < len(pairs) else "")

    async def builds(self) -> Sequence[Build]:
        with self._reaching():
            return (await self._builds.listed()).builds

    async def ready(self) -> None:
        """Nothing is missing: an index is written with its rows."""

    async def take_over(self) -> bool:
        with self._reaching(committing=True):
            return await self._builds.take_over(self._names.build)

    async def tidy(self, before: datetime) -> None:
        with self._reaching(committing=True):
            await self._builds.drop(
                lambda there: builds.forgotten(there, before, datetime.now(UTC))
            )

    async def remember(self) -> None:
        names = self._names
        with self._reaching(committing=True):
            if self._remembers:
                await self._remember(keys=[names.head, names.moments])
            elif await self._redis.hdel(names.head, "since"):
                await self._redis.unlink(names.moments, names.written, names.oldest)
                await self._builds.unlink(names.history("*"))

    async def trim(self, before: datetime) -> None:
        with self._reaching(committing=True):
            for build in (await self._builds.listed()).builds:
                names = Names(self.view.name, build.number)
                keys = [names.moments, names.written, names.oldest, names.history("")]
                while await self._trim(keys=keys, args=[before.timestamp(), SWEEP]) == SWEEP:
                    pass

    def lease(self) -> Lease:
        return RedisLease(lambda: self._redis, Names(self.view.name, 0).leader)

    async def noted(self) -> Mark | None:
        with self._reaching():
            text = await self._redis.get(Names(self.view.name, 0).told)
        return msgspec.json.decode(text, type=Mark) if text else None

    async def note(self, mark: Mark | None) -> None:
        name = Names(self.view.name, 0).told
        with self._reaching(committing=True):
            await (self._redis.set(name, _text(mark)) if mark else self._redis.delete(name))

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[RedisChanges]:
        with self._reaching():
            names = await self._asked()
            await self._head(names)
            yield RedisChanges(self._redis, self._scripts, self.view, names.build)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        with self._reaching():
            joined: dict[str, Mapping[str, int]] = {}
            forgetful: list[tuple[Names, str, Stood]] = []

            async def serves(view: str) -> tuple[Stood, Columns]:
                """What is joined with, as it is when it is first asked."""
                asked = builds.serving((await listed(self._redis, view)).builds)
                if asked is None:
                    raise ViewMissing(view)
                names, columns = Names(view, asked.number), columns_of(asked.shape)
                stood, joined[view] = await self._now(names, columns, forgetful)
                return stood, columns

            columns = self.view.columns
            stood, positions = await self._now(await self._asked(), columns, forgetful)
            yield Snapshot(RedisRows(stood, columns, serves), positions, joined)
            for names, stamp, stood in forgetful:
                if stood.asked and await self._redis.hget(names.head, "stamp") != stamp:
                    raise Moved(names.view)

    @asynccontextmanager
    async def history(self) -> AsyncIterator[RedisHistory]:
        with self._reaching():
            await self._asked()
            history = RedisHistory(self._redis, self._scripts)
            yield history
            await history.check()

    async def _now(
        self, names: Names, columns: Columns, forgetful: list[tuple[Names, str, Stood]]
    ) -> tuple[Stood, Mapping[str, int]]:
        """What stands under a view's keys at this moment, and its positions. It is noted in
        `forgetful`, with its stamp, if what a write replaces is not remembered."""
        head = await self._head(names)
        positions = {domain: place.position for domain, place in places(head).items()}
        number = int(head.get("moment", 0))
        stood = Stood(self._redis, self._scripts.stood, names, columns, moment=number)
        if "since" not in head:
            forgetful.append((names, head["stamp"], stood))
        return stood, positions

    async def _head(self, names: Names) -> Mapping[str, str]:
        """Raises StoreUnavailable where it has gone with all else, or was dropped just now."""
        head: Mapping[str, str] = await self._redis.hgetall(names.head)
        if not head or head.get("seal") != head_seal(head):
            raise StoreUnavailable(f"The view {names.view} was lost and is built anew")
        return head

    async def _asked(self) -> Names:
        """The build that questions are put to."""
        if self._aim is not Aim.SERVE:
            return self._names
        asked = builds.serving((await self._builds.listed()).builds)
        if asked is not None and asked.version != self.view.version:
            raise Replaced(self.view)
        return Names(self.view.name, asked.number if asked else 0)

    async def _bind(self) -> Build:
        """Finds the build to work on, or begins it."""
        build = await self._builds.bind(self._aim, self._bound)
        self._bound = build.number
        return build

    @property
    def _proof(self) -> RedisProof:
        return RedisProof(self._redis, self.view, self._names)

    @property
    def _names(self) -> Names:
        if self._bound is None:
            raise RuntimeError(f"the store of view {self.view.name} is not open")
        return Names(self.view.name, self._bound)

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
