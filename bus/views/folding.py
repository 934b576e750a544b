"""Folds a batch of one stream into the rows that it touches. Pure: nothing here waits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bus.contract import tag
from bus.envelope import Recorded
from bus.owner import Delivered, identify
from bus.store.port import Parked
from bus.view import Source, View
from bus.views.kept import check_column, check_key
from bus.views.port import RowChange

Slots = Mapping[str, Mapping[str, Struct]]
"""The slots of each key, by domain."""

BEHIND = "stands behind an event of the same key that is parked"


class Item(NamedTuple):
    """An event that a view wants: decoded, with the rows that it touches; or why it can't be.

    `key` is the upstream aggregate as `<aggregate>/<id>`: what is parked, if need be.
    """

    position: int
    body: bytes
    key: str
    recorded: Recorded[Any] | None
    keys: Sequence[str]
    problem: str | None = None


class Folded(NamedTuple):
    rows: Sequence[RowChange]
    parked: Sequence[Parked]


_encoder = msgspec.json.Encoder()


def reader(view: View, source: Source) -> str:
    """The name that events of `source` are parked under."""
    return f"{view.name}/{source.contract.domain}"


def read(view: View, source: Source, events: Iterable[Delivered]) -> Sequence[Item]:
    """What the view wants of `events`; what can't be read is among it, with its problem."""
    types = None if source.events is None else {"", *map(tag, source.events)}
    items = []
    checked: set[str] = set()
    for event in events:
        if types is None or event.type in types:
            item = _item(view, source, event, checked)
            if item.keys or item.problem:
                items.append(item)
    return items


def _item(view: View, source: Source, event: Delivered, checked: set[str]) -> Item:
    try:
        recorded = source.contract.decode(event.position, event.body)
        keys = tuple(view.keys(recorded))
        for key in keys:
            if key not in checked:
                check_key(key)
                checked.add(key)
    except Exception as error:  # whatever a view's author or a writer did wrong
        upstream = identify(event.body).subject or f"unreadable/{event.position}"
        return Item(event.position, event.body, upstream, None, (), explain(error))
    return Item(event.position, event.body, f"{recorded.aggregate}/{recorded.id}", recorded, keys)


def fold(
    view: View, source: Source, items: Sequence[Item], slots: Slots, blocked: Collection[str]
) -> Folded:
    """The changed rows, and what must be parked. `blocked` are keys of which something is."""
    try:
        return _fold(view, source, items, slots, blocked, each=False)
    except _RowFailed:
        return _fold(view, source, items, slots, blocked, each=True)


class _RowFailed(Exception):
    """A row can't be made; by which event, only a row after each event can tell."""


def _fold(
    view: View,
    source: Source,
    items: Sequence[Item],
    slots: Slots,
    blocked: Collection[str],
    *,
    each: bool,
) -> Folded:
    domain, name = source.contract.domain, reader(view, source)
    now: dict[str, Struct] = {key: of[domain] for key, of in slots.items() if domain in of}
    rows: dict[str, RowChange | None] = {}
    parked: list[Parked] = []
    stopped = set(blocked)
    for item in items:
        problem = BEHIND if item.key in stopped else item.problem
        if problem is None:
            try:
                changed = _step(view, source, item, now)
                if each:
                    rows.update(_rows(view, domain, changed, slots))
                else:
                    rows.update(dict.fromkeys(changed))
                now.update(changed)
                continue
            except Exception as error:  # poison: the key is parked, the others go on
                problem = explain(error)
        stopped.add(item.key)
        parked.append(Parked(name, item.key, item.position, item.body, problem))
    if not each:
        try:
            rows.update(_rows(view, domain, {key: now[key] for key in rows}, slots))
        except Exception as error:
            raise _RowFailed from error
    return Folded([row for row in rows.values() if row is not None], parked)


def _step(
    view: View, source: Source, item: Item, now: Mapping[str, Struct]
) -> Mapping[str, Struct]:
    """The next slot of each row that the event touches."""
    changed = {key: view.fold(now.get(key), item.recorded, key) for key in item.keys}  # type: ignore[arg-type]
    for slot in changed.values():
        if not isinstance(slot, source.slot):
            raise TypeError(f"fold gave {type(slot).__name__}, not {source.slot.__name__}")
    return changed


def _rows(
    view: View, domain: str, changed: Mapping[str, Struct], slots: Slots
) -> Mapping[str, RowChange]:
    return {
        key: _row(view, key, slot, {**slots.get(key, {}), domain: slot})
        for key, slot in changed.items()
    }


def _row(view: View, key: str, slot: Struct, slots: Mapping[str, Struct]) -> RowChange:
    kept = _encoder.encode(slot).decode()
    row = view.row(slots)
    if row is None:
        return RowChange(key, kept, None, [None] * len(view.columns))
    columns = [check_column(n, kind, getattr(row, n)) for n, kind in view.columns.items()]
    return RowChange(key, kept, _encoder.encode(row).decode(), columns)


def explain(error: Exception) -> str:
    """`error` in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
