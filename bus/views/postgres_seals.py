"""The seals of rows in Postgres as SQL: computed by the server, from what it is about to hold.

A row's seal is a hash over key, row, slots and columns; the head's is one over its sums and the
checkpoints. See `bus.views.proof`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bus.view import View


def held_columns(view: View) -> Sequence[str]:
    """All that a row holds, but for its seal."""
    slots = (f"slot_{source.contract.domain}" for source in view.sources)
    return ["key", "row", *slots, *view.columns]


def row_seal(view: View, alias: str) -> str:
    """The seal of the row that `alias` names."""
    parts = (f"coalesce({alias}.\"{name}\"::text, E'\\x01')" for name in held_columns(view))
    return f"hashtextextended(concat_ws(E'\\x02', {', '.join(parts)}), 0)"


def head_seal(total: str, count: str, places: str) -> str:
    return f"hashtextextended(concat_ws(E'\\x02', {total}, {count}, {places}), 0)"


def places_text(position: str = "position", event_id: str = "event_id") -> str:
    """All checkpoints as one text, as an aggregate."""
    one = f"concat_ws(E'\\x01', domain, {position}, {event_id})"
    return f"""coalesce(string_agg({one}, E'\\x02' order by domain collate "C"), '')"""


def head_right(base: str) -> str:
    """Whether the head `h` is as it was written."""
    places = f"(select {places_text()} from {base}_checkpoints)"
    return f"h.seal is not distinct from {head_seal('h.total', 'h.count', places)}"


def seal_head(base: str) -> str:
    places = f"(select {places_text()} from {base}_checkpoints)"
    return f"update {base}_head set seal = {head_seal('total', 'count', places)}"


def sealing(view: View, base: str, values: str) -> str:
    """The parts of a write that come before it: rows as they shall be, whether what they stand
    in for is altered, and their seals; where the checkpoints are and will be."""
    columns = held_columns(view)
    names = ", ".join(f'"{name}"' for name in columns)
    slots = {f"slot_{source.contract.domain}" for source in view.sources}
    merged = ", ".join(
        f'coalesce(g."{name}", b."{name}") as "{name}"' if name in slots else f'g."{name}"'
        for name in columns
    )
    return f"""
        given ({names}) as materialized (
            select * from unnest({values})
        ), merged as materialized (
            select {merged}, b.seal as old_seal, b.key is not null as old,
                b.key is not null and b.seal is distinct from {row_seal(view, "b")} as altered
            from given as g left join {base} as b on b.key = g.key
        ), sealed as materialized (
            select m.*, {row_seal(view, "m")} as seal from merged as m
        ), places as materialized (
            select c.domain, c.position as old_position, c.event_id as old_id,
                coalesce(p.position, c.position) as position,
                coalesce(p.event_id, c.event_id) as event_id
            from {base}_checkpoints as c
            left join unnest($3::text[], $4::bigint[], $5::text[])
                as p (domain, position, event_id) on p.domain = c.domain
        ), sums as materialized (
            select
                coalesce((select bit_xor(seal # coalesce(old_seal, 0)) from sealed), 0) as total,
                (select count(*) from sealed where not old) as count,
                (select {places_text("old_position", "old_id")} from places) as old_places,
                (select {places_text()} from places) as places
        )"""


def moving(base: str) -> str:
    """The head moves with what is written, unless something of it is altered."""
    total, count = "h.total # s.total", "h.count + s.count"
    return f"""
            update {base}_head as h set stamp = $2, moment = h.moment + 1,
                total = {total}, count = {count},
                seal = {head_seal(f"({total})", f"({count})", "s.places")}
            from sums as s
            where h.stamp = $1 and h.seal = {head_seal("h.total", "h.count", "s.old_places")}
                and not exists (select from sealed where altered)
            returning h.moment, h.since"""


ALTERED = "array(select key from sealed where altered)"
"""The keys that a write has found altered."""


def walk_statement(view: View, base: str) -> str:
    """The keys behind $1, $2 of them at most, in order, and whether each is altered."""
    return f"""
        select key, seal is distinct from {row_seal(view, "b")} as altered from {base} as b
        where key > $1 order by key limit $2
    """


def intact_statement(base: str) -> str:
    return f"""
        select h.total = rows.total and h.count = rows.count from {base}_head as h,
            (select coalesce(bit_xor(seal), 0) as total, count(*) as count from {base}) as rows
    """
