"""Folds a batch of one stream into the rows that it touches. Pure: nothing here waits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from bus.store.port import Parked
from bus.view import Source, View
from bus.views.kept import check_column
from bus.views.port import RowChange
from bus.views.reading import Item, explain

Slots = Mapping[str, Mapping[str, Struct]]
"""The slots of each key, by domain."""

BEHIND = "stands behind an event of the same key that is parked"


class Folded(NamedTuple):
    """`slots` are those of the changed rows, as they shall be."""

    rows: Sequence[RowChange]
    parked: Sequence[Parked]
    slots: Slots


_encoder = msgspec.json.Encoder()


def reader(view: View, source: Source) -> str:
    """The name that events of `source` are parked under."""
    return f"{view.name}/{source.contract.domain}"


def fold(
    view: View, source: Source, items: Sequence[Item], slots: Slots, blocked: Collection[str]
) -> Folded:
    """The changed rows, and what must be parked. `blocked` are keys of which something is."""
    batch = _Batch(view, source, slots, blocked)
    for item in items:
        batch.take(item)
    after = batch.slots(batch.now, batch.touched)
    try:
        return Folded(batch.rows(after), batch.parked, after)
    except Exception:  # a row can't be made; by which event, only a row after each can tell
        return _fold_each(_Batch(view, source, slots, blocked), items)


def _fold_each(batch: _Batch, items: Sequence[Item]) -> Folded:
    rows: dict[str, RowChange] = {}
    for item in items:
        rows.update((row.key, row) for row in batch.take(item, with_rows=True))
    return Folded(list(rows.values()), batch.parked, batch.slots(batch.now, batch.touched))


class _Batch:
    """`now` are the source's slots as they have come to be, `touched` the keys changed."""

    def __init__(self, view: View, source: Source, slots: Slots, blocked: Collection[str]) -> None:
        domain = source.contract.domain
        self.now = {key: of[domain] for key, of in slots.items() if domain in of}
        self.touched: dict[str, None] = {}
        self.parked: list[Parked] = []
        self._view = view
        self._domain = domain
        self._shape = source.slot
        self._slots = slots
        self._reader = reader(view, source)
        self._blocked = set(blocked)

    def take(self, item: Item, *, with_rows: bool = False) -> Sequence[RowChange]:
        """Folds the event, or parks it. Gives the rows that come of it, if they are wanted."""
        problem = BEHIND if item.key in self._blocked else item.problem
        if problem is None:
            try:
                changed = self._step(item)
                rows = self.rows(self.slots(changed, changed)) if with_rows else ()
                self.now.update(changed)
                self.touched.update(dict.fromkeys(changed))
                return rows
            except Exception as error:  # poison: the key is parked, the others go on
                problem = explain(error)
        self._blocked.add(item.key)
        self.parked.append(Parked(self._reader, item.key, item.position, item.body, problem))
        return ()

    def slots(self, now: Mapping[str, Struct], keys: Iterable[str]) -> Slots:
        """Those of `keys`, of all sources, where this one's are `now`."""
        domain, before = self._domain, self._slots
        return {
            key: {**before[key], domain: now[key]} if key in before else {domain: now[key]}
            for key in keys
        }

    def rows(self, slots: Slots) -> Sequence[RowChange]:
        """As people shall see them; raises what the view raises."""
        return [_row(self._view, key, of[self._domain], of) for key, of in slots.items()]

    def _step(self, item: Item) -> Mapping[str, Struct]:
        """The next slot of each row that the event touches."""
        fold, now, shape = self._view.fold, self.now, self._shape
        changed = {key: fold(now.get(key), item.recorded, key) for key in item.keys}  # type: ignore[arg-type]
        for slot in changed.values():
            if type(slot) is not shape and not isinstance(slot, shape):
                raise TypeError(f"fold gave {type(slot).__name__}, not {shape.__name__}")
        return changed


def _row(view: View, key: str, slot: Struct, slots: Mapping[str, Struct]) -> RowChange:
    kept = _encoder.encode(slot).decode()
    row = view.row(slots)
    if row is None:
        return RowChange(key, kept, None, [None] * len(view.columns))
    columns = [check_column(n, kind, getattr(row, n)) for n, kind in view.columns.items()]
    return RowChange(key, kept, _encoder.encode(row).decode(), columns)
