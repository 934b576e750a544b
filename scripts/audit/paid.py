"""What payments has told of one order's money. Amounts in minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    "SurplusBooked": "surplus",
}


@dataclass(slots=True)
class Payment:
    """All that was ever asked of the provider, held on a card, taken, let go and paid back;
    `failed` to be taken. `shared` is what parcels were to be paid with from it, `surplus` what was
    taken beyond that by mistake."""

    asked: int = 0
    authorized: int = 0
    settled: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    failed: int = 0
    shared: int = 0
    surplus: int = 0
    answered: bool = False
    declined: bool = False

    @property
    def held(self) -> int:
        return self.authorized + self.surplus - self.captured - self.voided

    @property
    def kept(self) -> int:
        return self.settled + self.captured - self.refunded


@dataclass(slots=True)
class Paid:
    """`charged` is what each parcel was to be paid with. `due` is what was to be given back of it,
    `repaid` what payments were to give of it, and `set_off` what nobody had paid, as `unpaid`
    says."""

    payments: dict[int, Payment] = field(default_factory=dict)
    charged: dict[int, int] = field(default_factory=dict)
    due: int = 0
    set_off: int = 0
    repaid: int = 0
    unpaid: int = 0

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
        name = MOVES.get(event.type)
        if name is not None:
            setattr(payment, name, getattr(payment, name) + data["amount"]["amount"])

    def _share(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "ParcelCharged" | "ChargeMoved":
                for share in data["shares"]:
                    payment = self.payments.setdefault(share["payment"], Payment())
                    payment.shared += share["amount"]["amount"]
            case "ParcelUnpaid":
                self.unpaid += data["amount"]["amount"]
            case "RefundDue":
                self.due += data["value"]["amount"]
            case "RefundBooked":
                self.set_off += data["set_off"]["amount"]
                self.repaid += sum(share["amount"]["amount"] for share in data["shares"])

    @property
    def failed(self) -> int:
        return sum(payment.failed for payment in self.payments.values())

    @property
    def owed(self) -> int:
        """What has left, and nobody has paid or will."""
        return self.unpaid - self.set_off

    @property
    def held(self) -> int:
        return sum(payment.held for payment in self.payments.values())

    @property
    def kept(self) -> int:
        return sum(payment.kept for payment in self.payments.values())
