"""Folds batches of several streams into the rows that they touch. Pure: nothing here waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from bus.store.port import Parked
from bus.view import Scalar, Source, View
from bus.views.kept import check_column
from bus.views.port import RowChange
from bus.views.reading import Item, explain

Slots = Mapping[str, Mapping[str, Struct]]
"""The slots of each key, by domain."""

BEHIND = "stands behind an event of the same key that is parked"


class Folded(NamedTuple):
    """`slots` are all those of the changed rows, as they shall be."""

    rows: Sequence[RowChange]
    parked: Sequence[Parked]
    slots: Slots


_encoder = msgspec.json.Encoder()


def reader(view: View, domain: str) -> str:
    """The name that the events of a source are parked under."""
    return f"{view.name}/{domain}"


def fold(
    view: View,
    batches: Mapping[str, Sequence[Item]],
    slots: Slots,
    blocked: Collection[tuple[str, str]],
) -> Folded:
    """The changed rows, and what must be parked. `batches` are by domain, `slots` all those of
    the rows that they touch; of what `blocked` names, (reader, key), something is parked."""
    try:
        return _folded(view, batches, slots, blocked, try_rows=False)
    except Exception:  # a row can't be made; by which event, only a row after each can tell
        return _folded(view, batches, slots, blocked, try_rows=True)


def _folded(
    view: View,
    batches: Mapping[str, Sequence[Item]],
    slots: Slots,
    blocked: Collection[tuple[str, str]],
    *,
    try_rows: bool,
) -> Folded:
    now = dict(slots)
    changed: dict[str, list[str]] = {}
    parked: list[Parked] = []
    for source in view.sources:
        domain = source.contract.domain
        if domain in batches:
            batch = _Batch(view, source, now, blocked)
            for item in batches[domain]:
                batch.take(item, try_rows=try_rows)
            now.update(batch.slots(batch.now, batch.touched))
            for key in batch.touched:
                changed.setdefault(key, []).append(domain)
            parked += batch.parked
    rows = [_row(view, key, domains, now[key]) for key, domains in changed.items()]
    return Folded(rows, parked, {key: now[key] for key in changed})


class _Batch:
    """One source's. `now` are its slots as they have come to be, `touched` the keys changed."""

    def __init__(
        self, view: View, source: Source, slots: Slots, blocked: Collection[tuple[str, str]]
    ) -> None:
        domain = source.contract.domain
        self.now = {key: of[domain] for key, of in slots.items() if domain in of}
        self.touched: dict[str, object] = {}
        self.parked: list[Parked] = []
        self._view = view
        self._fold = view.fold
        self._domain = domain
        self._shape = source.slot
        self._slots = slots
        self._reader = reader(view, domain)
        self._blocked = {key for parked_by, key in blocked if parked_by == self._reader}

    def take(self, item: Item, *, try_rows: bool) -> None:
        """Folds the event, or parks it."""
        problem = BEHIND if item.key in self._blocked else item.problem
        if problem is None:
            try:
                changed = self._step(item)
                if try_rows:
                    for slots in self.slots(changed, changed).values():
                        shown(self._view, slots)
                self.now.update(changed)
                self.touched.update(changed)
                return
            except Exception as error:  # poison: the key is parked, the others go on
                problem = explain(error)
        self._blocked.add(item.key)
        self.parked.append(Parked(self._reader, item.key, item.position, item.body, problem))

    def slots(self, now: Mapping[str, Struct], keys: Collection[str]) -> Slots:
        """Those of `keys`, of all sources, where this one's are `now`."""
        domain, before = self._domain, self._slots
        return {
            key: {**before[key], domain: now[key]} if key in before else {domain: now[key]}
            for key in keys
        }

    def _step(self, item: Item) -> Mapping[str, Struct]:
        """The next slot of each row that the event touches."""
        fold, now, shape, recorded = self._fold, self.now, self._shape, item.recorded
        changed = {}
        for key in item.keys:
            slot = fold(now.get(key), recorded, key)  # type: ignore[arg-type]
            if type(slot) is not shape and not isinstance(slot, shape):
                raise TypeError(f"fold gave {type(slot).__name__}, not {shape.__name__}")
            changed[key] = slot
        return changed


def _row(view: View, key: str, changed: Sequence[str], slots: Mapping[str, Struct]) -> RowChange:
    kept = {domain: _encoder.encode(slots[domain]).decode() for domain in changed}
    return RowChange(key, kept, *shown(view, slots))


def shown(view: View, slots: Mapping[str, Struct]) -> tuple[str | None, Sequence[Scalar]]:
    """What people see of a row with these slots, and the columns. Raises what the view raises."""
    row = view.row(slots)
    if row is None:
        return None, [None] * len(view.columns)
    columns = [check_column(n, kind, getattr(row, n)) for n, kind in view.columns.items()]
    return _encoder.encode(row).decode(), columns
