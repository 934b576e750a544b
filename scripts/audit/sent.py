"""What shipping has told of one order's parcels."""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.audit.events import Event, Line, lines


@dataclass(slots=True)
class Parcel:
    """`left` is what has left, which is all that was planned, once, or nothing."""

    planned: tuple[Line, ...] = ()
    planned_value: int = 0
    left: tuple[Line, ...] = ()
    left_value: int = 0
    called_off: bool = False
    delivered: bool = False
    failed: bool = False
    lost: bool = False
    replacement: bool = False

    @property
    def settled(self) -> bool:
        return self.delivered or self.failed or self.lost


@dataclass(slots=True)
class Sent:
    parcels: dict[int, Parcel] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        data = event.data
        parcel = self.parcels.setdefault(data["parcel"], Parcel())
        match event.type:
            case "ShipmentPlanned":
                parcel.planned += lines(data["lines"])
                parcel.planned_value += data["value"]["amount"]
                parcel.replacement |= data.get("replacement", False)
            case "ShipmentDispatched":
                parcel.left += lines(data["lines"])
                parcel.left_value += data["value"]["amount"]
            case "ParcelCorrected":
                parcel.left = parcel.left[: len(parcel.left) - len(data["lines"]) * data["surplus"]]
                parcel.left_value -= data["value"]["amount"] * data["surplus"]
            case "ParcelWithdrawn":
                parcel.planned, parcel.planned_value, parcel.called_off = (), 0, True
            case "ShipmentDelivered":
                parcel.delivered = True
            case "DeliveryFailed":
                parcel.failed = True
            case "ShipmentLost":
                parcel.lost = True
            case "ShipmentCalledOff":
                parcel.called_off = True

    @property
    def left(self) -> list[Line]:
        return [line for parcel in self.parcels.values() for line in parcel.left]

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
