"""What is read from a store's tables: each function one statement, one round trip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg

from bus.envelope import Key
from bus.store.packing import keys as packed_keys
from bus.store.packing import packed, storable
from bus.store.port import (
    START,
    Checkpoint,
    DutyRow,
    Head,
    ParkedRow,
    StoredEvent,
    StoredReceipt,
)
from bus.store.session import Fetches

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"

EVENT = """e.position, e.event_id::text, e.aggregate, e.id, e.version, e.type,
    convert_to(e.body::text, 'UTF8')"""

_LOAD = f"""select {EVENT} from unnest(unpacked($1), unpacked($2)) as k (aggregate, id)
    join events e on e.id = k.id and e.aggregate = k.aggregate"""

_VERSIONS = """select coalesce((
        select e.version from events e where e.id = k.id and e.aggregate = k.aggregate
        order by e.version desc limit 1
    ), 0) from unnest(unpacked($1), unpacked($2)) with ordinality as k (aggregate, id, number)
    order by number"""

_READ = f"select {EVENT} from events e where e.position > $1 order by e.position limit $2"

# Materialized: otherwise the planner may walk all positions in search of this id.
_HISTORY = f"""with found as materialized (
        select position from events where id = $1 and position > $2
    ) select {EVENT}
    from (select position from found order by position limit $3) as f
    join events e using (position) order by e.position"""

_SEQUENCE = f"""select {EVENT} from events e
    where e.id = $1 and e.aggregate = $2
        and ($3::bigint is null or e.version > $3) and ($4::bigint is null or e.version <= $4)
    order by e.version {{direction}} limit $5"""

_OF_TYPES = f"""select {EVENT} from events e
    where e.position > $1 and ($2::bigint is null or e.position <= $2)
        and ($3::text[] is null or e.type = any ($3)) order by e.position limit $4"""

_RECEIPTS = """select command_id, digest, convert_to(answer::text, 'UTF8'), position
    from receipts where command_id = any (unpacked($1))"""

_TRIM = "select trim_receipts($1, $2)"

# Kind by kind: the index gives the earliest of one kind, but not those of any of several
# without looking at all that is owed.
_DUE = """select name, due, kind, convert_to(body::text, 'UTF8'), event_id, correlation_id
    from unnest($3::text[]) as asked cross join lateral (
        select * from duties where kind = asked and due <= $1 order by due, name limit $2
    ) as d
    order by due, name limit $2"""

_NEXT_DUE = """select min(first) from unnest($1::text[]) as asked cross join lateral (
        select min(due) as first from duties where kind = asked
    ) as d"""

_POSTPONE = "update duties set due = $3 where name = $1 and event_id = $2"

_PARKED = """select reader, key, position, body, reason, attempts, since from parked
    where $1::text is null or reader = $1 order by reader, key, position"""

_PARKED_AGAIN = """update parked set attempts = attempts + 1, reason = $4
    where reader = $1 and key = $2 and position = $3"""


def _events(rows: Iterable[asyncpg.Record]) -> list[StoredEvent]:
    return [
        StoredEvent(position, event_id, Key(aggregate, id), version, type, body)
        for position, event_id, aggregate, id, version, type, body in rows
    ]


async def load(connection: Connection, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]:
    found: dict[Key, list[StoredEvent]] = {key: [] for key in keys}
    for event in _events(await connection.fetch(_LOAD, *packed_keys(found))):
        found[event.key].append(event)
    for events in found.values():
        events.sort(key=lambda event: event.version)
    return found


async def versions(connection: Fetches, keys: Sequence[Key]) -> Mapping[Key, int]:
    rows = await connection.fetch(_VERSIONS, *packed_keys(keys))
    return {key: row[0] for key, row in zip(keys, rows, strict=True)}


async def head(connection: Connection) -> Head:
    row = await connection.fetchrow("select position, digest from head")
    assert row is not None
    return Head(*row)


async def read(connection: Connection, after: int, limit: int) -> Sequence[StoredEvent]:
    return _events(await connection.fetch(_READ, after, limit))


async def history(connection: Connection, id: str, after: int, limit: int) -> Sequence[StoredEvent]:
    return _events(await connection.fetch(_HISTORY, id, after, limit))


async def sequence(
    connection: Connection,
    key: Key,
    *,
    after: int | None,
    upto: int | None,
    limit: int | None,
    descending: bool,
) -> Sequence[StoredEvent]:
    statement = _SEQUENCE.format(direction="desc" if descending else "asc")
    return _events(await connection.fetch(statement, key.id, key.aggregate, after, upto, limit))


async def of_types(
    connection: Connection, types: Sequence[str], after: int, upto: int | None, limit: int
) -> Sequence[StoredEvent]:
    return _events(await connection.fetch(_OF_TYPES, after, upto, list(types) or None, limit))


async def receipts(
    connection: Connection, command_ids: Sequence[str]
) -> Mapping[str, StoredReceipt]:
    rows = await connection.fetch(_RECEIPTS, packed(command_ids))
    return {row[0]: StoredReceipt(row[1], row[2], row[3]) for row in rows}


async def trim_receipts(connection: Connection, before: datetime, limit: int) -> int:
    trimmed: int = await connection.fetchval(_TRIM, before, limit)
    return trimmed


async def checkpoint(connection: Connection, upstream: str) -> Checkpoint:
    row = await connection.fetchrow(
        "select position, event_id from upstreams where upstream = $1", upstream
    )
    return START if row is None else Checkpoint(*row)


def _kinds(kind: str | None) -> list[str]:
    return [kind] if kind else ["deadline", "call"]


async def due(
    connection: Connection, now: datetime, limit: int, kind: str | None
) -> Sequence[DutyRow]:
    return [DutyRow(*row) for row in await connection.fetch(_DUE, now, limit, _kinds(kind))]


async def next_due(connection: Connection, kind: str | None) -> datetime | None:
    found: datetime | None = await connection.fetchval(_NEXT_DUE, _kinds(kind))
    return found


async def postpone(connection: Connection, name: str, event_id: str, due: datetime) -> None:
    await connection.execute(_POSTPONE, name, event_id, due)


async def parked(connection: Connection, reader: str | None) -> Sequence[ParkedRow]:
    return [ParkedRow(*row) for row in await connection.fetch(_PARKED, reader)]


async def parked_again(
    connection: Connection, reader: str, key: str, position: int, reason: str
) -> None:
    await connection.execute(_PARKED_AGAIN, reader, key, position, storable(reason))
