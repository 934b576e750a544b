"""What ordering has told of goods that came back, never arrived, or were replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from scripts.audit.events import Data, Event, Line, lines, name, value

GIVEN_BACK = ("ReturnAccepted", "ParcelLost", "ReplacementUnavailable")


@dataclass(slots=True)
class Back:
    """`value` is what was said to be given back, `worth` what those lines cost, and `refunded`
    counts their units, `freight` their freight, by line.

    `asked`, `expired` and `accepted` are by return's number, `lost`, `replaced`, `confirmed` and
    `unavailable` by parcel's. Units are counted one by one, as lines of quantity 1.
    """

    value: int = 0
    worth: int = 0
    refunded: Counter[int] = field(default_factory=Counter)
    freight: Counter[int] = field(default_factory=Counter)
    asked: dict[int, tuple[Line, ...]] = field(default_factory=dict)
    expired: set[int] = field(default_factory=set)
    accepted: Counter[tuple[int, Line]] = field(default_factory=Counter)
    exchanged: Counter[tuple[int, Line]] = field(default_factory=Counter)
    requested: Counter[tuple[int, Line]] = field(default_factory=Counter)
    lost: dict[int, tuple[tuple[Line, ...], bool]] = field(default_factory=dict)
    replaced: dict[int, tuple[Line, ...]] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)
    unavailable: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    arrived: set[int] = field(default_factory=set)

    def take(self, event: Event) -> None:
        data = event.data
        if event.type in GIVEN_BACK:
            self.value += data["value"]["amount"]
            if not data.get("exchange", False):
                self._give_back(data["lines"])
        match event.type:
            case "ReturnRequested":
                self.asked[data["number"]] = lines(data["lines"])
            case "ReturnExpired":
                self.expired.add(data["number"])
            case "ReturnAccepted":
                came = counted(data["number"], data["lines"])
                self.accepted.update(came)
                if data["exchange"]:
                    self.exchanged.update(came)
            case "ParcelLost":
                self.lost[data["parcel"]] = lines(data["lines"]), data["came_back"]
            case _:
                self._replace(event)

    def _replace(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "ReplacementRequested":
                self.replaced[data["parcel"]] = lines(data["lines"])
                self.requested.update(counted(data["number"], data["lines"]))
            case "ReplacementConfirmed":
                self.confirmed.add(data["parcel"])
            case "ReplacementUnavailable":
                self.unavailable.add(data["parcel"])
            case "ReplacementShipped":
                self.left.add(data["parcel"])
            case "ReplacementDelivered":
                self.arrived.add(data["parcel"])

    def _give_back(self, data: Iterable[Data]) -> None:
        self.worth += value(data)
        for line in data:
            self.refunded[line["line"]] += line["quantity"]
            self.freight[line["line"]] += line["freight"]["amount"]

    @property
    def replacing(self) -> list[Line]:
        """The lines of all further parcels whose units could be had."""
        return [
            line
            for parcel, found in self.replaced.items()
            if parcel not in self.unavailable
            for line in found
        ]


def counted(number: int, data: Iterable[Data]) -> Counter[tuple[int, Line]]:
    found: Counter[tuple[int, Line]] = Counter()
    for line in data:
        found[number, Line(line["line"], name(line["sku"]), 1)] += line["quantity"]
    return found
