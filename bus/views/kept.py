"""What can be kept: rules for keys and columns that are the same for every store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bus.view import Scalar, View

KEY_BYTES = 500
COLUMN_BYTES = 2000
"""Longer ones don't fit into an index of Postgres."""
INTEGER = range(-(2**63), 2**63)
FORMAT = 3
"""Of what stores keep. A build of another one is dropped, and made anew from the events."""

COMMON = frozenset({"after", "as_of"})
"""What every query can be asked with, beside its own parameters: see `bus.views.queries`."""

Columns = Mapping[str, type[str] | type[int]]

_unstorable = re.compile("[\0\ud800-\udfff]")
_name = re.compile(r"[a-z][a-z0-9_]{0,39}")
_taken = re.compile(r"key|row|seal|old|old_seal|altered|slot_.*|moment_.*")


def check_view(view: View) -> None:
    """Raises ValueError where the view's names can't be those of tables, columns and
    parameters, or a slot could be changed in place: it is remembered, also when a write has
    failed."""
    names = [view.name, *view.columns, *(source.contract.domain for source in view.sources)]
    for name in names:
        if not _name.fullmatch(name):
            raise ValueError(f"{name!r} in view {view.name!r} must match {_name.pattern}")
    for name in view.columns:
        if _taken.fullmatch(name):
            raise ValueError(f"the column {name!r} of view {view.name!r} must be named otherwise")
    for query in view.queries:
        for name in COMMON & {*query.params.__struct_fields__}:
            raise ValueError(f"a parameter of {view.name}.{query.name} can't be named {name!r}")
    for name in view.unindexed:
        if view.columns.get(name) is not str:
            raise ValueError(f"{name!r} of view {view.name!r}, unindexed, is no text column")
    for source in view.sources:
        if not source.slot.__struct_config__.frozen:
            slot, domain = source.slot.__name__, source.contract.domain
            raise ValueError(f"{slot}, the slot of {domain} in view {view.name!r}, must be frozen")


def shape(view: View) -> str:
    """What must stay the same within one version of a view, as JSON."""
    columns = {name: kind.__name__ for name, kind in view.columns.items()}
    domains = [source.contract.domain for source in view.sources]
    found = {"format": FORMAT, "columns": columns, "domains": sorted(domains)}
    return msgspec.json.encode(found).decode()


def outdated(shape: str) -> bool:
    """Whether a build of this shape is of an earlier format."""
    return bool(msgspec.json.decode(shape).get("format") != FORMAT)


def columns_of(text: str) -> Columns:
    """The columns that a shape names."""
    kinds: dict[str, type[str] | type[int]] = {"str": str, "int": int}
    found = msgspec.json.decode(text)["columns"]
    return {name: kinds[kind] for name, kind in found.items()}


def check_key(key: str) -> None:
    """Raises TypeError or ValueError where `key` can't name a row."""
    if not isinstance(key, str):
        raise TypeError(f"a row's key must be text, not {key!r}")
    if not 1 <= len(key.encode()) <= KEY_BYTES or "\0" in key:
        raise ValueError(f"a row's key must have 1 to {KEY_BYTES} bytes, none of them NUL")


def check_column(name: str, kind: type[str] | type[int], value: Any) -> Scalar:
    """`value`, if a column of `kind` can hold it. Raises TypeError or ValueError."""
    if value is None:
        return None
    if type(value) is not kind:
        raise TypeError(f"the column {name} holds {kind.__name__}, not {value!r}")
    if isinstance(value, str):
        if len(value.encode()) > COLUMN_BYTES or "\0" in value:
            raise ValueError(f"the column {name} holds {COLUMN_BYTES} bytes, none of them NUL")
    elif value not in INTEGER:
        raise ValueError(f"the column {name} holds 64 bits, not {value}")
    return value


def possible(value: Scalar) -> bool:
    """Whether a key or a column can have this value at all: what can't is never found."""
    if isinstance(value, str):
        return not _unstorable.search(value)
    return value is None or value in INTEGER
