"""What shipping has told of one order's parcels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from scripts.audit.events import Data, Event

Lines = Counter[tuple[int, str, int]]
"""Line, SKU and units."""


@dataclass(slots=True)
class Parcel:
    """`left` is what has left, which is all that was planned, once, or nothing."""

    planned: Lines = field(default_factory=Counter)
    planned_value: int = 0
    left: Lines = field(default_factory=Counter)
    left_value: int = 0
    called_off: bool = False
    delivered: bool = False


@dataclass(slots=True)
class Sent:
    parcels: dict[int, Parcel] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        data = event.data
        parcel = self.parcels.setdefault(data["parcel"], Parcel())
        match event.type:
            case "ShipmentPlanned":
                parcel.planned.update(_lines(data["lines"]))
                parcel.planned_value += data["value"]["amount"]
            case "ShipmentDispatched":
                parcel.left.update(_lines(data["lines"]))
                parcel.left_value += data["value"]["amount"]
            case "ShipmentDelivered":
                parcel.delivered = True
            case "ShipmentCalledOff":
                parcel.called_off = True

    @property
    def left(self) -> Counter[str]:
        """Units by SKU."""
        found: Counter[str] = Counter()
        for parcel in self.parcels.values():
            for (_, sku, quantity), times in parcel.left.items():
                found[sku] += quantity * times
        return found

    @property
    def left_value(self) -> int:
        return sum(parcel.left_value for parcel in self.parcels.values())

    @property
    def waiting_value(self) -> int:
        """Of the parcels that still can leave."""
        return sum(
            parcel.planned_value
            for parcel in self.parcels.values()
            if not parcel.left and not parcel.called_off
        )


def _lines(lines: Iterable[Data]) -> Iterable[tuple[int, str, int]]:
    return [(line["line"], line["sku"], line["quantity"]) for line in lines]
