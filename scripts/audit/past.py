"""What four services remember of one order that was played elsewhere. Amounts in minor units."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from scripts.audit.events import Data, Event, Line, lines, name, value

LEFT = ("dispatched", "delivered")


@dataclass(slots=True)
class PastParcel:
    state: str
    lines: tuple[Line, ...]
    value: int

    @property
    def left(self) -> bool:
        return self.state in LEFT


@dataclass(slots=True)
class Past:
    """`told` are the aggregates that have told of it. `worth` is what the lines cost, `said` what
    was said of it; `kept` is what was paid, with all that entries have changed of it, `paid` what
    was said of that; `taken` are the units that inventory says have left. `entries` counts the
    others, that settle what is known of it."""

    told: set[str] = field(default_factory=set)
    state: str = ""
    currency: str = ""
    lines: tuple[Line, ...] = ()
    values: dict[int, int] = field(default_factory=dict)
    said: int = 0
    kept: int = 0
    paid: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    parcels: list[PastParcel] = field(default_factory=list)
    entries: Counter[str] = field(default_factory=Counter)

    def take(self, event: Event) -> None:
        """One fact a service, and the entries that put its books right since."""
        if event.type in FACTS:
            self.told.add(event.aggregate)
            self._remember(event)
        else:
            self._enter(event)

    def _remember(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "PastOrderRecorded":
                self._ordered(data)
            case "PastPaymentsRecorded":
                self.kept += sum(payment["amount"]["amount"] for payment in data["payments"])
                self.paid += data["total"]["amount"]
            case "PastStockRecorded":
                for part in data["parts"]:
                    self.taken[name(part["sku"])] += part["quantity"]
            case "PastShipmentsRecorded":
                self.parcels += [_parcel(parcel) for parcel in data["parcels"]]

    def _enter(self, event: Event) -> None:
        match event.type:
            case "PastPaymentsAdjusted":
                self.kept += event.data["change"]
                self.paid = event.data["kept"]["amount"]
            case "PastOrderClosed":
                self.entries["closed"] += 1
            case "PastCourseAccepted":
                self.entries[f"accepted as {name(event.data['rule'])} found it"] += 1

    def _ordered(self, data: Data) -> None:
        self.state, self.currency = name(data["state"]), name(data["total"]["currency"])
        self.lines += lines(data["lines"])
        self.values |= {line["line"]: value([line]) for line in data["lines"]}
        self.said += data["total"]["amount"]

    @property
    def worth(self) -> int:
        return sum(self.values.values())

    @property
    def due(self) -> int:
        """What should be kept: nothing for what was cancelled, nor for what nobody has paid yet."""
        early = self.state == "placed" and not self.kept
        return 0 if early or self.state == "cancelled" else self.worth

    @property
    def off(self) -> int:
        """What is kept beyond that; below nothing where it is less."""
        return self.kept - self.due

    @property
    def left(self) -> int:
        """The value of the parcels that have left."""
        return sum(parcel.value for parcel in self.parcels if parcel.left)


FACTS = frozenset(
    {
        "PastOrderRecorded",
        "PastPaymentsRecorded",
        "PastStockRecorded",
        "PastShipmentsRecorded",
    }
)
TYPES = FACTS | {"PastPaymentsAdjusted", "PastOrderClosed", "PastCourseAccepted"}
"""The events that tell of what is past."""


def _parcel(data: Data) -> PastParcel:
    return PastParcel(name(data["state"]), lines(data["lines"]), data["value"]["amount"])
