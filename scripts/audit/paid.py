"""What payments has told of one order's money. Amounts in minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scripts.audit.events import Event

MOVES: Mapping[str, str] = {
    "AuthorizationRequested": "asked",
    "SettlementRequested": "asked",
    "PaymentAuthorized": "authorized",
    "PaymentSettled": "settled",
    "PaymentCaptured": "captured",
    "PaymentVoided": "voided",
    "PaymentRefunded": "refunded",
    "CaptureFailed": "failed",
    "ShortfallBooked": "failed",
    "SurplusBooked": "surplus",
}
ASKED = (
    *("AuthorizationRequested", "SettlementRequested"),
    *("CaptureRequested", "RefundRequested"),
)
ANSWERS = (
    *("PaymentAuthorized", "PaymentSettled", "PaymentDeclined"),
    *("PaymentCaptured", "CaptureFailed", "PaymentRefunded"),
)
MONEY = ("PaymentSettled", "PaymentCaptured", "PaymentRefunded")
"""The answers by which money has moved."""


@dataclass(slots=True)
class Payment:
    """All that was ever asked of the provider, held on a card, taken, let go and paid back;
    `failed` to be taken. `shared` is what parcels were to be paid with from it, `surplus` what was
    taken beyond that by mistake, and `over` as much of it as was taken beyond what was held.

    By its own report the provider took `took` more than it had answered, or less, and paid back
    `gave` more; `short` is by how much it kept less. `awaited` counts its answers that are still to
    come."""

    asked: int = 0
    authorized: int = 0
    settled: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    failed: int = 0
    shared: int = 0
    surplus: int = 0
    over: int = 0
    took: int = 0
    gave: int = 0
    short: int = 0
    awaited: int = 0
    answered: bool = False
    declined: bool = False

    @property
    def held(self) -> int:
        return self.authorized + self.over - self.captured - self.voided

    @property
    def kept(self) -> int:
        return self.all_taken - self.all_paid_back

    @property
    def all_taken(self) -> int:
        return self.settled + self.captured + self.took

    @property
    def all_paid_back(self) -> int:
        return self.refunded + self.gave

    def adjust(self, captured: int, refunded: int) -> None:
        self.took += captured
        self.gave += refunded
        self.short += max(0, refunded - captured)


@dataclass(slots=True)
class Paid:
    """`charged` is what each parcel was to be paid with. `due` is what was to be given back of it,
    `repaid` what payments were to give of it, and `set_off` what nobody had paid, as `unpaid`
    says. Money moved from `first` to `last`."""

    payments: dict[int, Payment] = field(default_factory=dict)
    charged: dict[int, int] = field(default_factory=dict)
    due: int = 0
    set_off: int = 0
    repaid: int = 0
    unpaid: int = 0
    paid_after_all: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def take(self, event: Event) -> None:
        data = event.data
        if event.type == "ParcelCharged":
            before = self.charged.get(data["parcel"], 0)
            self.charged[data["parcel"]] = before + data["value"]["amount"]
        self._share(event)
        if "payment" not in data:
            return
        payment = self.payments.setdefault(data["payment"], Payment())
        payment.answered |= event.type in ("PaymentAuthorized", "PaymentSettled")
        payment.declined |= event.type == "PaymentDeclined"
        self._await(payment, event)
        name = MOVES.get(event.type)
        if name is not None:
            setattr(payment, name, getattr(payment, name) + data["amount"]["amount"])
        if event.type == "SurplusBooked" and not data.get("reference"):
            payment.over += data["amount"]["amount"]

    def _await(self, payment: Payment, event: Event) -> None:
        if event.type in ASKED:
            payment.awaited += 1
        elif event.type in ANSWERS and event.data.get("reference") != "":
            payment.awaited -= 1
        if event.type in MONEY and event.data["amount"]["amount"]:
            self.first, self.last = self.first or event.time, event.time

    def _share(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "ParcelCharged" | "ChargeMoved":
                for share in data["shares"]:
                    payment = self.payments.setdefault(share["payment"], Payment())
                    payment.shared += share["amount"]["amount"]
            case "PaymentAdjusted":
                payment = self.payments.setdefault(data["payment"], Payment())
                payment.adjust(data["captured"], data["refunded"])
                parts = [part["amount"] for part in data["parcels"]]
                payment.shared += sum(parts)
                self.paid_after_all += sum(part for part in parts if part > 0)
            case "ParcelUnpaid":
                self.unpaid += data["amount"]["amount"]
            case "RefundDue":
                self.due += data["value"]["amount"]
            case "RefundBooked":
                self.set_off += data["set_off"]["amount"]
                self.repaid += sum(share["amount"]["amount"] for share in data["shares"])

    @property
    def failed(self) -> int:
        """What could not be taken, or was not."""
        return sum(payment.failed + payment.short for payment in self.payments.values())

    @property
    def owed(self) -> int:
        """What has left, and nobody has paid or will."""
        return self.unpaid - self.set_off - self.paid_after_all

    @property
    def held(self) -> int:
        return sum(payment.held for payment in self.payments.values())

    @property
    def kept(self) -> int:
        return sum(payment.kept for payment in self.payments.values())
