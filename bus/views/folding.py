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
    batch = _Batch(view, source, slots, blocked)
    for item in items:
        batch.take(item)
    try:
        return Folded(batch.rows(batch.now, batch.touched), batch.parked)
    except Exception:  # a row can't be made; by which event, only a row after each can tell
        return _fold_each(_Batch(view, source, slots, blocked), items)


def _fold_each(batch: _Batch, items: Sequence[Item]) -> Folded:
    rows: dict[str, RowChange] = {}
    for item in items:
        rows.update((row.key, row) for row in batch.take(item, with_rows=True))
    return Folded(list(rows.values()), batch.parked)


class _Batch:
    """`now` are the source's slots as they have come to be, `touched` the keys changed."""

    def __init__(self, view: View, source: Source, slots: Slots, blocked: Collection[str]) -> None:
        domain = source.contract.domain
        self.now = {key: of[domain] for key, of in slots.items() if domain in of}
        self.touched: dict[str, None] = {}
        self.parked: list[Parked] = []
        self._view = view
        self._source = source
        self._slots = slots
        self._reader = reader(view, source)
        self._blocked = set(blocked)

    def take(self, item: Item, *, with_rows: bool = False) -> Sequence[RowChange]:
        """Folds the event, or parks it. Gives the rows that come of it, if they are wanted."""
        problem = BEHIND if item.key in self._blocked else item.problem
        if problem is None:
            try:
                changed = self._step(item)
                rows = self.rows(changed, changed) if with_rows else ()
                self.now.update(changed)
                self.touched.update(dict.fromkeys(changed))
                return rows
            except Exception as error:  # poison: the key is parked, the others go on
                problem = explain(error)
        self._blocked.add(item.key)
        self.parked.append(Parked(self._reader, item.key, item.position, item.body, problem))
        return ()

    def rows(self, now: Mapping[str, Struct], keys: Iterable[str]) -> Sequence[RowChange]:
        domain, view = self._source.contract.domain, self._view
        none: Mapping[str, Struct] = {}
        return [
            _row(view, key, now[key], {**self._slots.get(key, none), domain: now[key]})
            for key in keys
        ]

    def _step(self, item: Item) -> Mapping[str, Struct]:
        """The next slot of each row that the event touches."""
        fold, now, shape = self._view.fold, self.now, self._source.slot
        changed = {key: fold(now.get(key), item.recorded, key) for key in item.keys}  # type: ignore[arg-type]
        for slot in changed.values():
            if not isinstance(slot, shape):
                raise TypeError(f"fold gave {type(slot).__name__}, not {shape.__name__}")
        return changed


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
