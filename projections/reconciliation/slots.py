"""What each stream has told of an order or of a SKU: which events there were, and sums of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bus.envelope import Recorded
from domains.reconciliation.messages import Subject
from projections.reconciliation.settling import Settling

Sums = Mapping[str, int]


class Mark(Struct, frozen=True, array_like=True):
    """An event that was told: how often, where first, and when."""

    count: int
    position: int
    time: datetime


class Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One stream's, up to its last event of this, at `position`.

    `marks` are the events by name and, where there may be several, by part:
    `ShipmentDispatched:2`. `units` and `money` are sums by what was done with what: `kept:tea-1`,
    `captured:1`. `text` is what is compared as it is, `settling` what money has moved."""

    of: Subject
    time: datetime
    position: int
    marks: Mapping[str, Mark] = {}
    units: Sums = {}
    money: Sums = {}
    currency: str = ""
    text: Mapping[str, str] = {}
    settling: Settling | None = None

    def count(self, mark: str) -> int:
        return self.marks[mark].count if mark in self.marks else 0

    def named(self, event: str) -> Iterator[tuple[str, Mark]]:
        """The marks of that name, each with its part."""
        for name, mark in self.marks.items():
            base, _, part = name.partition(":")
            if base == event:
                yield part, mark

    def sums(self, what: str, sums: Sums) -> dict[str, int]:
        """The sums of `what`, by the rest of their name; those that are 0 left out."""
        start = f"{what}:"
        return {
            name.removeprefix(start): amount
            for name, amount in sums.items()
            if amount and name.startswith(start)
        }


PARTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("ShipmentPlanned", "ShipmentDispatched", "ShipmentDelivered", "DeliveryFailed"),
            *(
                "ShipmentLost",
                "ShipmentCalledOff",
                "CallOffRefused",
                "StockShipped",
                "ParcelWithdrawn",
            ),
            *("ParcelTakenBack", "ParcelCharged", "OrderPartlyShipped", "OrderShipped"),
            *("OrderPartlyDelivered", "CallOffAnswered", "ParcelLost", "ReplacementRequested"),
            *("ReplacementReserved", "ReplacementRefused", "ReplacementConfirmed"),
            *("ReplacementUnavailable", "ReplacementShipped", "ReplacementDelivered"),
        ),
        ("parcel",),
    ),
    **dict.fromkeys(("ReturnRequested", "ReturnExpected"), ("number",)),
    **dict.fromkeys(("ReturnReceived", "ReturnAccepted"), ("number", "receipt")),
    **dict.fromkeys(("RefundDue", "ReturnBooked"), ("cause_id",)),
    "PastCourseAccepted": ("rule",),
}
"""Which fields tell apart events of one name."""


def mark_of(event: Recorded[Any]) -> str:
    parts = [str(getattr(event.data, name)) for name in PARTS.get(event.type, ())]
    return ":".join([event.type, ".".join(parts)]) if parts else event.type


def noted(facts: Facts, event: Recorded[Any], mark: str) -> Facts:
    """With the event among the marks."""
    new = _again(facts.marks.get(mark)) or Mark(1, event.position, event.time)
    return replace(
        facts, time=event.time, position=event.position, marks={**facts.marks, mark: new}
    )


def _again(before: Mark | None) -> Mark | None:
    return None if before is None else Mark(before.count + 1, before.position, before.time)


def last(facts: Facts, event: Recorded[Any]) -> Facts:
    """Of what goes on for ever only the last event is kept, under the mark `last`."""
    new = Mark(1, event.position, event.time)
    return replace(
        facts, time=event.time, position=event.position, marks={**facts.marks, "last": new}
    )


def added(sums: Sums, more: Iterable[tuple[str, int]]) -> Sums:
    result = dict(sums)
    for name, amount in more:
        result[name] = result.get(name, 0) + amount
    return result
