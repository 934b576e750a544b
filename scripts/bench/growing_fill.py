"""Fills inventory's store with a history: the same rows as appends write, a valid chain.

It is done by SQL, because ten million commands would take hours. Ten events make up a SKU's
life, one command in one stands behind each; ids are spread evenly, as random ones are, so
that neighbours in time are not neighbours in an index. The two indexes over ids are made
again behind the rows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import md5

import asyncpg

from bus import envelope
from bus.clock import uuid7
from bus.envelope import Key
from domains.inventory.messages import StockReceived

LIFE = 10
"""Events of a SKU."""
PORTION = 20_000
"""Events in a transaction."""
HOT = "hot"
_EVENT_ID = uuid7()
_ID = "0" * 32
_VERSION = 987_654_321

_WITHOUT = "drop index events_version; alter table receipts drop constraint receipts_pkey"
_INDEXES = """create unique index events_version
        on events (id, aggregate, version) include (position);
    alter table receipts add primary key (command_id)"""

_FUNCTION = """create or replace function grow(
    last bigint, count bigint, first bigint,
    body text, event_id text, id_ text, version_ text, hot text
) returns void language plpgsql as $$
declare
    chain bytea;
    one text;
begin
    insert into events (position, event_id, aggregate, id, version, type, body)
    select n, made.event_id, 'stock', named.id, named.version, 'StockReceived',
        replace(replace(replace(body, grow.event_id, made.event_id::text),
            id_, named.id), version_, named.version::text)::json
    from generate_series(last + 1, last + count) as n,
        lateral (select uuidv7() as event_id, n - last - 1 as k) as made,
        lateral (select coalesce(hot, md5((first + k / 10)::text)) as id,
            case when hot is null then k % 10 + 1 else k + 1 end as version) as named;
    select digest into chain from head for update;
    for one in select e.body::text from events e where e.position > last order by e.position loop
        chain := sha256(chain || convert_to(one, 'UTF8'));
    end loop;
    update head set position = last + count, digest = chain;
    insert into receipts (command_id, digest, answer, position, recorded)
    select md5('command ' || n), sha256(convert_to(n::text, 'UTF8')),
        format('{"status":"accepted","id":"%s","version":1,"events":[{"type":"StockReceived"}]}',
            coalesce(hot, md5((first + (n - last - 1) / 10)::text)))::json,
        n, now() - case when n <= 20000 then interval '30 days' else interval '0' end
    from generate_series(last + 1, last + count) as n;
end $$"""

_GROW = "select grow($1, $2, $3, $4, $5, $6, $7, $8)"


def sku(number: int) -> str:
    """The id of the `number`-th SKU, from 0."""
    return md5(str(number).encode()).hexdigest()


def command_id(number: int) -> str:
    """The id of the command that led to the `number`-th event."""
    return md5(f"command {number}".encode()).hexdigest()


async def grow(url: str, until: int) -> int:
    """Until the empty store has `until` events or a few more; gives how many SKUs it has."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_FUNCTION)
        await connection.execute(_WITHOUT)
        while (last := await _last(connection)) < until:
            count = -(-min(PORTION, until - last) // LIFE) * LIFE
            await connection.execute(_GROW, last, count, last // LIFE, *_texts(), None)
        await connection.execute(f"set maintenance_work_mem = '512MB'; {_INDEXES}")
        await _settle(connection)
    finally:
        await connection.close()
    return last // LIFE


async def heat(url: str, count: int) -> None:
    """Lets as many events happen to one SKU, HOT."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_GROW, await _last(connection), count, 0, *_texts(), HOT)
        await _settle(connection)
    finally:
        await connection.close()


async def _last(connection: asyncpg.Connection) -> int:
    position: int = await connection.fetchval("select position from head")
    return position


async def _settle(connection: asyncpg.Connection) -> None:
    """What autovacuum and the checkpointer would do beside the measurement."""
    await connection.execute("vacuum (analyze) events")
    await connection.execute("vacuum (analyze) receipts")
    await connection.execute("checkpoint")


def _texts() -> tuple[str, str, str, str]:
    return _body(), _EVENT_ID, _ID, str(_VERSION)


def _body() -> str:
    """An event's text, with an id, a SKU and a version that are replaced in each."""
    return envelope.encode(
        event=StockReceived(quantity=12, note="delivery from the wholesaler"),
        event_id=_EVENT_ID,
        domain="inventory",
        key=Key("stock", _ID),
        version=_VERSION,
        dataversion=1,
        time=datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
        correlation_id="0198a000-0000-7000-8000-000000000000",
        causation_id="0198a000-0000-7000-8000-000000000000",
    ).decode()
