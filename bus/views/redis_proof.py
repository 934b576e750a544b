"""What proves rows in Redis, and mends them: see `bus.views.proof`.

A walk goes through all names of rows, all keys, all seals and all index entries, so that also
what stands in only one of these places is found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from bus.view import View
from bus.views.port import RowChange, Superseded
from bus.views.proof import MOST_REPAIRS, Mend, Sums, ViewRepaired, Walked
from bus.views.redis_builds import script
from bus.views.redis_keys import Names, entry, fields, places

PAGE = 500
"""Entries of one collection that are looked at in one go, about."""

Stray = tuple[int, str]


def sealed_script(name: str) -> str:
    """A script that needs what redis_seal.lua offers."""
    return script("redis_seal.lua") + script(name)


class RedisProof:
    """One build's. Every method raises what redis-py raises."""

    def __init__(self, redis: Any, view: View, names: Names) -> None:
        self._redis = redis
        self._view = view
        self._names = names
        self._fields = _text(fields(view))
        self._indexes = [names.by(column) for column in view.columns]
        self._walk = redis.register_script(sealed_script("redis_walk.lua"))
        self._intact = redis.register_script(sealed_script("redis_intact.lua"))
        self._mend = redis.register_script(sealed_script("redis_mend.lua"))

    async def walk(self, cursor: str) -> Walked:
        """A cursor is `<part> <cursor of the server>`."""
        part, _, at = (cursor or "0 0").partition(" ")
        number = int(part)
        next, keys, entries = await self._page(number, int(at))
        names = self._names
        found = await self._walk(
            keys=[names.head, names.keys, names.all, names.seals, names.row(""), *self._indexes],
            args=[self._fields, _text(keys), _text(entries)],
        )
        altered = list(dict.fromkeys(msgspec.json.decode(found, type=list[str])))
        if next:
            return Walked(altered, f"{number} {next}")
        last = number == 3 + len(self._indexes)
        return Walked(altered, "" if last else f"{number + 1} 0")

    async def _page(
        self, part: int, at: int
    ) -> tuple[int, Sequence[str], Sequence[tuple[int, str, str, str]]]:
        """Where the next page begins, keys, and entries as redis_walk.lua takes them."""
        redis, names, start = self._redis, self._names, self._names.row("")
        if part == 0:
            next, found = await redis.scan(at, match=f"{_plain(start)}*", count=PAGE)
            return next, [name.removeprefix(start) for name in found], ()
        if part == 1:
            next, seals = await redis.hscan(names.seals, at, count=PAGE)
            return next, list(seals), ()
        if part in (2, 3):
            place = names.all if part == 2 else names.keys
            next, found = await redis.zscan(place, at, count=PAGE)
            return next, [key for key, _ in found], ()
        column = part - 3
        next, found = await redis.zscan(self._indexes[column - 1], at, count=PAGE)
        entries = [(column, text, f"{score:g}", _key(text)) for text, score in found]
        return next, (), entries

    async def intact(self) -> bool:
        names = self._names
        return bool(await self._intact(keys=[names.head, names.all, names.seals]))

    async def sums(self) -> Sums:
        """Raises Superseded where the head has gone."""
        total, count = await self._redis.hmget(self._names.head, "total", "count")
        if total is None or count is None:
            raise Superseded
        return Sums(total, int(count))

    async def held(self, keys: Sequence[str]) -> Mapping[str, str]:
        found = {key: await self._held(key) for key in keys}
        return {key: text for key, text in found.items() if text is not None}

    async def mend(self, mend: Mend) -> Sequence[ViewRepaired]:
        """Raises Superseded."""
        names = self._names
        head = await self._redis.hgetall(names.head)
        if head.get("stamp") != mend.stamp:
            raise Superseded
        positions = {domain: place.position for domain, place in places(head).items()}
        strays = await self._strays(mend.keys)
        rights = {row.key: row for row in mend.rows}
        of = {key: (rights.get(key), strays.get(key, ())) for key in mend.keys}
        wrong = [key for key in mend.keys if await self._wrong(key, *of[key])]
        if not wrong and mend.sums in (None, await self.sums()):
            return []
        booked = [
            await self._booking(k, rights.get(k), strays.get(k, ()), positions) for k in wrong
        ]
        keys = [names.head, names.keys, names.all, names.seals, names.repairs]
        keys += [names.since, names.row("")]
        done = await self._mend(
            keys=[*keys, *self._indexes],
            args=[
                *(mend.stamp, mend.next_stamp, self._fields),
                _text([_right(key, *of[key]) for key in wrong]),
                _text(mend.sums or False),
                _text([_text(one) for one in booked]),
                str(MOST_REPAIRS),
            ],
        )
        if done < 0:
            raise Superseded
        return booked

    async def repairs(self) -> Sequence[ViewRepaired]:
        found = await self._redis.lrange(self._names.repairs, 0, MOST_REPAIRS - 1)
        return [msgspec.json.decode(text, type=ViewRepaired) for text in found]

    async def _wrong(self, key: str, right: RowChange | None, strays: Sequence[Stray]) -> bool:
        names = self._names
        keys = [names.head, names.keys, names.all, names.seals, names.row(""), *self._indexes]
        altered = await self._walk(keys=keys, args=[self._fields, _text([key]), "[]"])
        return bool(strays) or altered != "[]" or await self._fields_of(key) != _fields(right)

    async def _booking(
        self,
        key: str,
        right: RowChange | None,
        strays: Sequence[Stray],
        positions: Mapping[str, int],
    ) -> ViewRepaired:
        before = await self._held(key, [text for _, text in strays])
        after = None if right is None else _text(_shown(_fields(right)))
        now, names = datetime.now(UTC), self._names
        return ViewRepaired(now, names.view, names.build, key, positions, before, after)

    async def _held(self, key: str, strays: Sequence[str] = ()) -> str | None:
        held = _shown(await self._fields_of(key))
        seal = await self._redis.hget(self._names.seals, key)
        found = held | ({"seal": seal} if seal else {}) | ({"strays": strays} if strays else {})
        return _text(found) if found else None

    async def _fields_of(self, key: str) -> Mapping[str, str]:
        name = self._names.row(key)
        if await self._redis.type(name) in ("hash", "none"):
            held: Mapping[str, str] = await self._redis.hgetall(name)
            return held
        return {"": f"no hash, but a {await self._redis.type(name)}"}

    async def _strays(self, keys: Sequence[str]) -> Mapping[str, Sequence[Stray]]:
        """Entries in indexes that name one of the keys, and that its row does not have."""
        wanted, found = set(keys), dict[str, list[Stray]]()
        for number, index in enumerate(self._indexes, start=1):
            async for text, score in self._redis.zscan_iter(index, count=1000):
                key = _key(text)
                if key in wanted:
                    held = (await self._fields_of(key)).get(f"by:{number}")
                    if held != text or score:
                        found.setdefault(key, []).append((number, text))
        return found


def _fields(row: RowChange | None) -> Mapping[str, str]:
    """What the hash of a row holds."""
    if row is None:
        return {}
    slots = {f"slot:{domain}": slot for domain, slot in row.slots.items()}
    if row.row is None:
        return slots
    entries = {f"by:{n}": entry(v, row.key) for n, v in enumerate(row.columns, start=1)}
    return {"row": row.row, **slots, **entries}


def _right(key: str, row: RowChange | None, strays: Sequence[Stray]) -> Sequence[object]:
    held = _fields(row)
    values = [text for name, value in held.items() if name[:3] != "by:" for text in (name, value)]
    columns = len(row.columns) if row else 0
    return key, values, [held.get(f"by:{n + 1}", "") for n in range(columns)], strays


def _shown(held: Mapping[str, str]) -> dict[str, Any]:
    return {name: _value(text) for name, text in held.items()}


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text.startswith("{") else text
    except msgspec.MsgspecError:
        return text


def _key(text: str) -> str:
    return text.rpartition("\0")[2]


def _plain(name: str) -> str:
    """A pattern that only `name` matches."""
    return "".join(f"\\{letter}" if letter in "*?[]^\\" else letter for letter in name)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
