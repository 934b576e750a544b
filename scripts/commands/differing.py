"""In which fields two rows differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

Row = Mapping[str, Any]


class Missing:
    """In the place of a value where there is no such field; null is a value."""


MISSING = Missing()


class Field(NamedTuple):
    """`path` is as in parcels[0].state."""

    path: str
    before: Any
    after: Any


def differing(before: Any, after: Any, path: str = "") -> Iterator[Field]:
    """Each innermost field that is not the same in both."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            inner = f"{path}.{name}" if path else name
            yield from differing(before.get(name, MISSING), after.get(name, MISSING), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            yield from differing(_at(before, place), _at(after, place), f"{path}[{place}]")
    elif before != after:
        yield Field(path, before, after)


def spelled(value: Any) -> str:
    """As JSON, or a hyphen where there is nothing."""
    return "-" if value is MISSING else msgspec.json.encode(value).decode()


def _at(values: Sequence[Any], place: int) -> Any:
    return values[place] if place < len(values) else MISSING
