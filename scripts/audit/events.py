"""Events as the audit reads them: plain JSON, by nobody's classes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

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
    causation_id: str
    data: Data


class _Envelope(Struct, gc=False):
    type: str
    source: str
    subject: str
    version: int
    time: datetime
    data: dict[str, Any]
    causationid: str = ""


_envelopes = msgspec.json.Decoder(_Envelope)


def decode(domain: str, position: int, body: bytes) -> Event:
    """Raises ValueError where `body` is no event of `domain`."""
    found = _envelopes.decode(body)
    if found.source != domain:
        raise ValueError(f"its source is {found.source}")
    aggregate, _, id = found.subject.partition("/")
    return Event(
        domain=domain,
        position=position,
        aggregate=aggregate,
        id=id,
        version=found.version,
        type=found.type,
        time=found.time,
        causation_id=found.causationid,
        data=found.data,
    )


class Line(NamedTuple):
    """A line of an order or of a parcel."""

    number: int
    sku: str
    quantity: int


def lines(data: Iterable[Data]) -> tuple[Line, ...]:
    return tuple(Line(line["line"], name(line["sku"]), line["quantity"]) for line in data)


def units(found: Iterable[Line]) -> Counter[str]:
    """How many of each SKU."""
    counted: Counter[str] = Counter()
    for line in found:
        counted[line.sku] += line.quantity
    return counted


def value(data: Iterable[Data]) -> int:
    """What the customer pays for an order's lines: the units' price, and each line's freight."""
    return sum(
        line["price"]["amount"] * line["quantity"] + line["freight"]["amount"] for line in data
    )


def name(text: str) -> str:
    """The one object for a text that many events tell: there are as many orders as there are."""
    return sys.intern(text)
