"""Snapshots in Postgres: kept, and read together with what has happened since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bus.envelope import Key
from bus.store.packing import keys as packed_keys
from bus.store.packing import packed
from bus.store.port import NOTHING, Past, Snapshot, StoredEvent
from bus.store.queries import Connection
from bus.store.session import Fetches

# A snapshot comes once, with its own event. It comes alone if the store lacks that event:
# then the store is an older copy, and whoever asked must see that the two don't fit.
_RECALL = """select k.number, s.version, s.event_id, s.shape, s.seal,
        case when e.version is null or e.version = s.version
            then convert_to(s.body::text, 'UTF8') end,
        e.position, e.event_id::text, e.version, e.type, convert_to(e.body::text, 'UTF8')
    from unnest(unpacked($1), unpacked($2), unpacked($3)) with ordinality
        as k (aggregate, id, shape, number)
    left join snapshots s on s.id = k.id and s.aggregate = k.aggregate and s.shape = k.shape
    left join lateral (
        select * from events where id = k.id and aggregate = k.aggregate
            and version >= coalesce(s.version, 0)
        order by version limit $4
    ) e on true
    where coalesce(s.version, e.version) is not null"""

_KEEP = "select keep_snapshots($1)"

_FORGET = "select forget_snapshot($1, $2)"


async def recall(
    connection: Fetches, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
) -> Mapping[Key, Past]:
    snapshots: dict[Key, Snapshot] = {}
    events: dict[Key, list[StoredEvent]] = {}
    asked = tuple(dict.fromkeys(keys))
    wanted = packed([shapes.get(key.aggregate, "") for key in asked])
    rows = await connection.fetch(_RECALL, *packed_keys(asked), wanted, limit)
    for number, version, event_id, shape, seal, body, position, *event in rows:
        key = asked[number - 1]
        if body is not None:
            snapshots[key] = Snapshot(key, version, event_id, shape, body, seal)
        found = events.setdefault(key, [])
        if position is not None:
            stored_id, own, type, text = event
            found.append(StoredEvent(position, stored_id, key, own, type, text))
    pasts = dict.fromkeys(asked, NOTHING)
    for key, found in events.items():
        found.sort(key=lambda event: event.version)
        pasts[key] = Past(snapshots.get(key), found)
    return pasts


async def keep(connection: Connection, snapshots: Sequence[Snapshot]) -> None:
    rows = {snapshot.key: snapshot for snapshot in snapshots}.values()
    if not rows:
        return
    table = [
        *packed_keys(row.key for row in rows),
        packed([str(row.version) for row in rows]),
        packed([row.event_id for row in rows]),
        packed([row.shape for row in rows]),
        packed([row.body.decode() for row in rows]),
        packed([row.seal.hex() for row in rows]),
    ]
    await connection.execute(_KEEP, table)


async def forget(connection: Connection, key: Key) -> None:
    await connection.execute(_FORGET, key.aggregate, key.id)
