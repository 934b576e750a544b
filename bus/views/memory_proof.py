"""Seals of views in memory, and how rows are mended there: see `bus.views.proof`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set
from datetime import UTC, datetime

import msgspec

from bus.view import View
from bus.views.memory_shelf import Columns, Row, Shelf
from bus.views.port import RowChange
from bus.views.proof import Mend, Sums, ViewRepaired


def keys(shelf: Shelf) -> Set[str]:
    return shelf.rows.keys() | shelf.seals.keys()


def altered(shelf: Shelf, key: str) -> bool:
    return _seal(shelf, key) != shelf.seals.get(key)


def place(shelf: Shelf, row: RowChange, view: View) -> None:
    """Writes the row and its seal."""
    shelf.put(row.key, row.slots, _shown(row, view))
    _count(shelf, row.key, _seal(shelf, row.key))


def intact(shelf: Shelf) -> bool:
    return _summed(shelf) == shelf.sums


def seal_head(shelf: Shelf) -> None:
    shelf.seal = _head(shelf)


def head_right(shelf: Shelf) -> bool:
    return shelf.seal == _head(shelf)


def held(shelf: Shelf, key: str) -> str | None:
    if key not in keys(shelf):
        return None
    row = shelf.rows.get(key)
    shown, columns = (row.shown if row else None) or (None, None)
    found = {"row": shown, "columns": columns, "slots": row.slots if row else None}
    return msgspec.json.encode({**found, "seal": shelf.seals.get(key)}).decode()


def mend(shelf: Shelf, mend: Mend, view: View) -> Sequence[ViewRepaired]:
    before, sums = {key: held(shelf, key) for key in mend.keys}, shelf.sums
    since = {key: shelf.stood_since(key) for key in mend.keys}
    for key in mend.keys:
        shelf.rows.pop(key, None)
        _count(shelf, key, None)
    for row in mend.rows:
        shelf.rows[row.key] = Row(since[row.key], dict(row.slots), _shown(row, view))
        _count(shelf, row.key, _seal(shelf, row.key))
    after = {key: held(shelf, key) for key in mend.keys}
    changed = [key for key in mend.keys if before[key] != after[key]]
    if changed or mend.sums not in (None, sums):
        shelf.stamp = mend.next_stamp
    shelf.sums = mend.sums or sums
    seal_head(shelf)
    now, build = datetime.now(UTC), shelf.build.number
    return [
        ViewRepaired(now, view.name, build, key, shelf.positions, before[key], after[key])
        for key in changed
    ]


def _shown(row: RowChange, view: View) -> tuple[str, Columns] | None:
    if row.row is None:
        return None
    return row.row, dict(zip(view.columns, row.columns, strict=True))


def _seal(shelf: Shelf, key: str) -> str | None:
    row = shelf.rows.get(key)
    return None if row is None else _hash((key, sorted(row.slots.items()), row.shown))


def _head(shelf: Shelf) -> str:
    return _hash((shelf.sums, sorted(shelf.checkpoints.items())))


def _count(shelf: Shelf, key: str, new: str | None) -> None:
    """The key's seal is `new` from now on."""
    old = shelf.seals.pop(key, None)
    if new is not None:
        shelf.seals[key] = new
    total, count = shelf.sums
    moved = (new is not None) - (old is not None)
    shelf.sums = Sums(_xor([total, old or "0", new or "0"]), count + moved)


def _summed(shelf: Shelf) -> Sums:
    return Sums(_xor(shelf.seals.values()), len(shelf.seals))


def _xor(seals: Iterable[str]) -> str:
    total = 0
    for seal in seals:
        total ^= int(seal, 16)
    return f"{total:016x}"


def _hash(held: object) -> str:
    return hashlib.sha1(repr(held).encode(), usedforsecurity=False).hexdigest()[:16]
