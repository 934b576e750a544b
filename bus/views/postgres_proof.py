"""What proves rows in Postgres, and mends them: see `bus.views.proof`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from bus.view import View
from bus.views import postgres_seals as seals
from bus.views.port import RowChange, Superseded
from bus.views.postgres_connections import Connection
from bus.views.postgres_names import table
from bus.views.postgres_tables import CAST
from bus.views.proof import MOST_REPAIRS, Mend, Sums, ViewRepaired, Walked

PAGE = 250
"""Rows whose seals are computed anew at once."""

REPAIRS = """
create table if not exists view_repairs (
    number bigint generated always as identity primary key, at timestamptz not null,
    view text not null, build int not null, key text not null, positions json not null,
    before json, after json
);
create index if not exists view_repairs_by_view on view_repairs (view, number);
"""
_BOOKED = """
    select at, view, build, key, positions::text, before::text, after::text from view_repairs
    where view = $1 order by number desc limit $2
"""
_BOOK = """
    insert into view_repairs (view, build, key, positions, before, after, at)
    values ($1, $2, $3, $4, $5, $6, $7)
"""


async def walk(connection: Connection, view: View, number: int, cursor: str) -> Walked:
    statement = seals.walk_statement(view, table(view.name, number))
    rows = await connection.fetch(statement, cursor, PAGE)
    altered = [row["key"] for row in rows if row["altered"]]
    return Walked(altered, rows[-1]["key"] if len(rows) == PAGE else "")


async def sums(connection: Connection, view: View, number: int) -> Sums:
    """Raises Superseded where the head has gone."""
    base = table(view.name, number)
    row = await connection.fetchrow(f"select total, count from {base}_head")
    if row is None:
        raise Superseded
    return Sums(_hex(row["total"]), row["count"])


async def held(connection: Connection, base: str, keys: Sequence[str]) -> Mapping[str, str]:
    statement = f"select key, row_to_json(b)::text from {base} as b where key = any($1)"
    found: dict[str, str] = dict(map(tuple, await connection.fetch(statement, keys)))
    return found


async def mend(
    connection: Connection, view: View, number: int, mend: Mend
) -> Sequence[ViewRepaired]:
    """Raises Superseded."""
    base = table(view.name, number)
    async with connection.transaction():
        stamp = await connection.fetchval(f"select stamp from {base}_head for update")
        if stamp != mend.stamp:
            raise Superseded
        old_sums = await sums(connection, view, number)
        before = await held(connection, base, mend.keys)
        since = await _stood_since(connection, base, mend.keys)
        await connection.execute(f"delete from {base} where key = any($1)", mend.keys)
        await _insert(connection, view, base, mend.rows, since)
        after = await held(connection, base, mend.keys)
        changed = [key for key in mend.keys if before.get(key) != after.get(key)]
        new_sums = mend.sums or old_sums
        if changed or new_sums != old_sums:
            await _move(connection, base, mend.next_stamp, new_sums)
        positions = await _positions(connection, base)
        now = datetime.now(UTC)
        booked = [
            ViewRepaired(now, view.name, number, key, positions, before.get(key), after.get(key))
            for key in changed
        ]
        return [await _book(connection, repair) for repair in booked]


async def repairs(connection: Connection, view: View) -> Sequence[ViewRepaired]:
    rows = await connection.fetch(_BOOKED, view.name, MOST_REPAIRS)
    return [
        ViewRepaired(at, name, build, key, msgspec.json.decode(positions), before, after)
        for at, name, build, key, positions, before, after in map(tuple, rows)
    ]


async def _stood_since(connection: Connection, base: str, keys: Sequence[str]) -> Mapping[str, int]:
    """The write that left what stands under each key, or should."""
    rows = await connection.fetch(
        f"""
        select given.key, coalesce(
            (select moment_since from {base} as b where b.key = given.key),
            (select max(moment_until) from {base}_history as h where h.key = given.key), 0)
        from unnest($1::text[]) as given (key)
        """,
        keys,
    )
    return dict(map(tuple, rows))


async def _insert(
    connection: Connection,
    view: View,
    base: str,
    rows: Sequence[RowChange],
    since: Mapping[str, int],
) -> None:
    names = seals.held_columns(view)
    domains = [source.contract.domain for source in view.sources]
    casts = ["text[]", "json[]", *("json[]" for _ in domains)]
    casts += [CAST[kind] for kind in view.columns.values()]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(f"${n}::{cast}" for n, cast in enumerate(casts, start=2))
    given = [
        (since[r.key], r.key, r.row, *(r.slots.get(d) for d in domains), *r.columns) for r in rows
    ]
    await connection.execute(
        f"""
        insert into {base} (moment_since, {columns}, seal)
        select g.*, {seals.row_seal(view, "g")}
        from unnest($1::bigint[], {values}) as g (moment_since, {columns})
        """,
        *(list(zip(*given, strict=True)) if given else [()] * (1 + len(names))),
    )


async def _move(connection: Connection, base: str, stamp: str, sums: Sums) -> None:
    total = int(sums.total, 16)
    signed = total - 2**64 if total >= 2**63 else total
    await connection.execute(
        f"update {base}_head set stamp = $1, total = $2, count = $3", stamp, signed, sums.rows
    )
    await connection.execute(seals.seal_head(base))


async def _positions(connection: Connection, base: str) -> Mapping[str, int]:
    rows = await connection.fetch(f"select domain, position from {base}_checkpoints")
    return dict(map(tuple, rows))


async def _book(connection: Connection, repair: ViewRepaired) -> ViewRepaired:
    positions = msgspec.json.encode(repair.positions).decode()
    _, view, build, key, _, before, after = repair
    await connection.execute(_BOOK, view, build, key, positions, before, after, repair.at)
    return repair


def _hex(total: int) -> str:
    return f"{total & (2**64 - 1):016x}"
