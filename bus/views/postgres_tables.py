"""The tables of one build of a view, and the statements that work on them.

view_<name>_b<number>       the rows: key, row (what people see), a slot a source, columns, and
                            the number of the write that left them so
…_checkpoints  …_head  …_parked
…_history  …_moments        how the rows were: see `postgres_history.py`

Which builds there are stands in `view_builds`, see `postgres_builds.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bus.clock import uuid7
from bus.view import View
from bus.views import postgres_history
from bus.views import postgres_seals as seals
from bus.views.port import Change
from bus.views.postgres_connections import Connection
from bus.views.postgres_names import columns, slots, stored, table

CAST = {str: "text[]", int: "bigint[]"}
KEYS = 14
"""The number of a write's argument that holds the rows' keys; the rows' other parts follow."""


def tables(view: str, build: int) -> Sequence[str]:
    base = table(view, build)
    of_its_own = ("checkpoints", "head", "parked", *postgres_history.TABLES)
    return [base, *(f"{base}_{name}" for name in of_its_own)]


async def create(connection: Connection, view: View, build: int) -> None:
    """Empty ones. The indexes come when the build is ready to be asked."""
    base = table(view.name, build)
    rest = "".join(f", {column}" for column in stored(view))
    # A row is written anew with each event of its key: to compress it every time would take a
    # tenth of the server's time, so one that fits into a page stays as it is.
    await connection.execute(f"""
        create table {base} (
            key text collate "C" primary key, row json{rest}, seal bigint,
            moment_since bigint not null default 0
        ) with (fillfactor = 80, toast_tuple_target = 8160);
        create table {base}_checkpoints (
            domain text primary key, position bigint not null, event_id text not null
        );
        create table {base}_head (
            stamp text not null, moment bigint not null default 0, since bigint,
            total bigint not null default 0, count bigint not null default 0, seal bigint
        );
        create table {base}_parked (
            reader text, key text, position bigint, body bytea not null, reason text not null,
            attempts int not null default 1, since timestamptz not null default now(),
            primary key (reader, key, position)
        );
    """)
    await connection.execute(f"insert into {base}_head (stamp) values ($1)", uuid7())
    await connection.execute(
        f"insert into {base}_checkpoints select unnest($1::text[]), 0, ''",
        [source.contract.domain for source in view.sources],
    )
    await postgres_history.create(connection, view, base)
    await connection.execute(seals.seal_head(base))


def index_statements(view: View, build: int) -> Sequence[str]:
    """What queries need, and what would only be in the way while the rows are made."""
    base = table(view.name, build)
    # Sums change with every event: an index would cost more than it gives.
    indexed = [n for n, kind in view.columns.items() if kind is str and n not in view.unindexed]
    return [
        f'create index if not exists "{base}_by_{name}" on {base} ("{name}", key)'
        for name in indexed
    ]


def state_statement(base: str) -> str:
    return f"""
        select stamp, {seals.head_right(base)} as "right",
            array(select (domain, position, event_id) from {base}_checkpoints) as checkpoints,
            array(select distinct (reader, key) from {base}_parked) as parked
        from {base}_head as h
    """


def places_statement(base: str) -> str:
    """Domain and position of each checkpoint, and whether they are as they were written."""
    return f"""
        select domain, position, {seals.head_right(base)} as "right"
        from {base}_checkpoints, {base}_head as h
    """


def right_statement(base: str) -> str:
    """Whether the head and the checkpoints are as they were written."""
    return f"select {seals.head_right(base)} from {base}_head as h"


def load_statement(view: View, build: int) -> str:
    """Key, whether the row is altered, and the slots."""
    altered = f"seal is distinct from {seals.row_seal(view, 'b')}"
    names = ", ".join(["key", altered, *slots(view)])
    return f"select {names} from {table(view.name, build)} as b where key = any($1)"


def digests_statement(view: View, build: int) -> str:
    """Positions, and pairs of key and digest: one more than asked for, where there are more."""
    base = table(view.name, build)
    held = ["row", *slots(view), *columns(view)]
    parts = ", ".join(f"coalesce({name}::text, E'\\x01')" for name in held)
    return f"""
        select array(select (domain, position) from {base}_checkpoints),
            array(select (key, md5(concat_ws(E'\\x02', {parts}))) from {base}
                where key > $1 and ($2 = '' or key <= $2)
                order by key limit case when $2 = '' then $3::bigint + 1 end)
    """


def write_statement(view: View, build: int) -> str:
    """One round trip: rows, checkpoints and what is parked, if the stamp is still the one
    that the writer has read, and no row that it rests on is altered. Gives whether it was,
    and the keys that are."""
    base = table(view.name, build)
    names, values, updates = _written(view)
    return f"""
        with {seals.sealing(view, base, values)}, moved as ({seals.moving(base)}
        ), placed as (
            update {base}_checkpoints as c set position = p.position, event_id = p.event_id
            from unnest($3::text[], $4::bigint[], $5::text[]) as p (domain, position, event_id)
            where c.domain = p.domain and exists (select from moved)
        ), freed as (
            delete from {base}_parked where exists (select from moved) and (reader, key, position)
            in (select * from unnest($6::text[], $7::text[], $8::bigint[]))
        ), parked as (
            insert into {base}_parked (reader, key, position, body, reason)
            select * from unnest($9::text[], $10::text[], $11::bigint[], $12::bytea[], $13::text[])
            where exists (select from moved)
            on conflict (reader, key, position) do update
            set reason = excluded.reason, attempts = {base}_parked.attempts + 1
        ), written as (
            insert into {base} ({names}, moment_since) select {names}, moved.moment
            from moved, sealed
            on conflict (key) do update set {updates}
        ), {postgres_history.written(view, base)}
        select exists (select from moved), {seals.ALTERED}
    """


def _written(view: View) -> tuple[str, str, str]:
    """The columns that a write sets, their arguments, and how a row is replaced."""
    names = ["key", "row", *slots(view), *columns(view)]
    casts = ["text[]", "json[]", *("json[]" for _ in view.sources)]
    casts += [CAST[kind] for kind in view.columns.values()]
    values = ", ".join(f"${number}::{cast}" for number, cast in enumerate(casts, start=KEYS))
    names.append("seal")
    # What is sealed is the whole row as it shall be, slots that don't change included.
    updates = [f"{name} = excluded.{name}" for name in [*names[1:], "moment_since"]]
    return ", ".join(names), values, ", ".join(updates)


def arguments(view: View, change: Change) -> Sequence[object]:
    """What the statement takes, in its order: few, wide arrays."""
    places = [(domain, *place) for domain, place in change.places.items()]
    domains = [source.contract.domain for source in view.sources]
    return [
        *(change.stamp, change.next_stamp),
        *_transposed(places, 3),
        *_transposed(change.unparked, 3),
        *_transposed(change.parked, 5),
        *([row.key for row in change.rows], [row.row for row in change.rows]),
        *([row.slots.get(domain) for row in change.rows] for domain in domains),
        *_transposed([row.columns for row in change.rows], len(view.columns)),
    ]


def _transposed(rows: Sequence[Sequence[object]], width: int) -> Sequence[Sequence[object]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width
