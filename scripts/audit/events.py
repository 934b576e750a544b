"""Events as the audit reads them: plain JSON, by nobody's classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

Data = Mapping[str, Any]


class Event(Struct, frozen=True, gc=False):
    domain: str
    position: int
    aggregate: str
    id: str
    version: int
    type: str
    time: datetime
    data: Data


class _Envelope(Struct, gc=False):
    type: str
    source: str
    subject: str
    version: int
    time: datetime
    data: dict[str, Any]


_envelopes = msgspec.json.Decoder(_Envelope)


def decode(domain: str, position: int, body: bytes) -> Event:
    """Raises ValueError where `body` is no event of `domain`."""
    found = _envelopes.decode(body)
    if found.source != domain:
        raise ValueError(f"its source is {found.source}")
    aggregate, _, id = found.subject.partition("/")
    return Event(domain, position, aggregate, id, found.version, found.type, found.time, found.data)


def units(parts: Iterable[Data]) -> Counter[str]:
    """Of lines or parts, how many of each SKU."""
    found: Counter[str] = Counter()
    for part in parts:
        found[part["sku"]] += part["quantity"]
    return found


def value(line: Data) -> int:
    """What the customer pays for an order's line: the units' price, and the line's freight."""
    return int(line["price"]["amount"] * line["quantity"] + line["freight"]["amount"])
