"""Names and index entries of views in Redis. All of one view share a hash slot.

    {view:stock}                  hash: builds by number; turn, which counts its changes
    {view:stock}:repairs          list: what was put right, the latest first
    {view:stock}:leader           whoever tells live queries, for as long as it shows signs of life
    {view:stock}:told             up to which write live queries have been told all, as JSON
    {view:stock}:b1:head          hash: stamp, a checkpoint a domain, the sums of seals, a seal; the
                                  number of the last write (moment), and of the first that is
                                  remembered (since)
    {view:stock}:b1:row:<key>     hash: row, a slot a domain, its index entries
    {view:stock}:b1:keys          keys that have a row
    {view:stock}:b1:all           the same, and those that only have slots
    {view:stock}:b1:by:<column>   index: value, NUL, key
    {view:stock}:b1:parked        hash: what is parked
    {view:stock}:b1:since         keys by the number of the write that left them as they are
    {view:stock}:b1:moments       writes that are remembered: number, time, positions
    {view:stock}:b1:written       the keys that each of them has touched
    {view:stock}:b1:history:<key> what writes have superseded, by the write's number
    {view:stock}:b1:oldest        keys by the first number in their history
    {view:stock}:b1:seals         hash: the seal of each row by its key

Indexes are sorted sets with one score, so that entries are in the order of their bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bus.store.port import Checkpoint
from bus.view import Scalar, View
from bus.views.cursor import Cursor
from bus.views.kept import INTEGER

NOTHING = "\x02"
"""Rows without a value come behind all others."""


class Names(NamedTuple):
    view: str
    build: int

    @property
    def catalogue(self) -> str:
        return f"{{view:{self.view}}}"

    @property
    def leader(self) -> str:
        return f"{self.catalogue}:leader"

    @property
    def told(self) -> str:
        return f"{self.catalogue}:told"

    @property
    def base(self) -> str:
        return f"{self.catalogue}:b{self.build}"

    @property
    def head(self) -> str:
        return f"{self.base}:head"

    @property
    def keys(self) -> str:
        return f"{self.base}:keys"

    @property
    def all(self) -> str:
        return f"{self.base}:all"

    @property
    def parked(self) -> str:
        return f"{self.base}:parked"

    @property
    def since(self) -> str:
        return f"{self.base}:since"

    @property
    def moments(self) -> str:
        return f"{self.base}:moments"

    @property
    def written(self) -> str:
        return f"{self.base}:written"

    @property
    def oldest(self) -> str:
        return f"{self.base}:oldest"

    @property
    def seals(self) -> str:
        return f"{self.base}:seals"

    @property
    def repairs(self) -> str:
        return f"{self.catalogue}:repairs"

    def history(self, key: str) -> str:
        return f"{self.base}:history:{key}"

    def row(self, key: str) -> str:
        return f"{self.base}:row:{key}"

    def by(self, column: str) -> str:
        return f"{self.base}:by:{column}"


def value_entry(value: Scalar) -> str:
    """`value` as text that sorts as the value does."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return f"\x01{value}"
    return f"\x01{value - INTEGER.start:020d}"


def entry(value: Scalar, key: str) -> str:
    return f"{value_entry(value)}\0{key}"


def parsed(text: str, kind: type[str] | type[int]) -> Cursor:
    """What an index entry says."""
    value, _, key = text.partition("\0")
    if value == NOTHING:
        return Cursor(None, key)
    return Cursor(value[1:] if kind is str else int(value[1:]) + INTEGER.start, key)


def head_seal(head: Mapping[str, str]) -> str:
    """As `head_seal` in redis_seal.lua."""
    parts = [
        f"{name}\x01{text}"
        for name, text in head.items()
        if name in ("total", "count") or name.startswith("at:")
    ]
    text = "\x02".join(sorted(parts, key=str.encode))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def fields(view: View) -> Sequence[str]:
    """All fields of a row."""
    slots = (f"slot:{source.contract.domain}" for source in view.sources)
    return ["row", *slots, *(f"by:{number + 1}" for number in range(len(view.columns)))]


def place_text(place: Checkpoint) -> str:
    return f"{place.position} {place.event_id}"


def places(head: Mapping[str, str]) -> Mapping[str, Checkpoint]:
    """The checkpoints that a head holds, by domain."""
    found = {}
    for name, text in head.items():
        if name.startswith("at:"):
            position, _, event_id = text.partition(" ")
            found[name[3:]] = Checkpoint(int(position), event_id)
    return found
