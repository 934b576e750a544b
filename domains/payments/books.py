"""What payments knows of an order's money, folded from its events. Amounts in minor units.

The books first say what is to be (a payment's share of a parcel, of a return), and then
what has been asked of the provider and what it has answered. `following.py` closes the gap
between the two whenever it can. So it doesn't matter which comes first: a parcel that
leaves, a cancellation, or the provider's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from bus.messages import Money
from domains.payments.messages import PaymentType, Share


class Asked(Struct, frozen=True):
    """The provider has been asked to hold or to take the amount; the outcome is unknown."""


class Held(Struct, frozen=True):
    """On a card; `reference` is the provider's name for the authorisation."""

    reference: str


class Taken(Struct, frozen=True):
    """Paid in full."""

    reference: str


class Declined(Struct, frozen=True):
    pass


class Capture(Struct, frozen=True):
    """`done` is None while the provider owes its answer, False where it would not; `lacking` is how
    much less than `amount` it took by its answer."""

    amount: int
    done: bool | None = None
    lacking: int = 0


class Payment(Struct, frozen=True):
    """One of the order's payments.

    `charged` is its share of each parcel, `freed` its share of all returns: what is to be.
    `captures` are those asked for, by parcel, `returns` the voids and refunds asked for, by
    number (None: done), `asked_back` their sum. `repaid` is what is to be given back of
    `charged`, `refunds` are those of the returns that are refunds, `surplus` what was taken beyond
    all that, and is to be given back; `strays` is what is still to be asked back of it of other
    references than the payment's own.

    `took` and `gave` are what the provider has taken and paid back. Where its report said otherwise
    than its answers, `short` is what lacks of what nothing has claimed, and `lost` of what was
    claimed.
    """

    number: int
    type: PaymentType
    amount: int
    standing: Asked | Held | Taken | Declined
    charged: Mapping[int, int] = {}
    freed: int = 0
    captures: Mapping[int, tuple[Capture, ...]] = {}
    returns: Mapping[int, int | None] = {}
    asked_back: int = 0
    repaid: int = 0
    refunds: Mapping[int, int] = {}
    surplus: int = 0
    strays: Mapping[str, int] = {}
    took: int = 0
    gave: int = 0
    short: int = 0
    lost: int = 0

    @property
    def remaining(self) -> int:
        """What neither a parcel nor a return has claimed."""
        if isinstance(self.standing, Declined):
            return 0
        there = self.amount - self.short - self.lost
        return there - sum(self.charged.values()) - self.freed

    @property
    def reference(self) -> str:
        """The provider's name for it, "" where it has none."""
        return self.standing.reference if isinstance(self.standing, Held | Taken) else ""

    @property
    def refundable(self) -> int:
        """What parcels have claimed and no refund has."""
        return sum(self.charged.values()) - self.repaid

    @property
    def captured(self) -> int:
        done = (each for all in self.captures.values() for each in all if each.done)
        return sum(each.amount - each.lacking for each in done)

    def lacking(self, parcel: int) -> int:
        """What it gave less for the parcel than it was asked for."""
        return sum(each.lacking for each in self.captures.get(parcel, ()))

    @property
    def asked_refunds(self) -> int:
        return sum(self.refunds.values())

    def asked_for(self, parcel: int) -> int:
        """What was asked to be captured for the parcel, and was not refused."""
        return sum(each.amount for each in self.captures.get(parcel, ()) if each.done is not False)

    @property
    def at_rest(self) -> bool:
        """The provider owes no answer on it, but for captures."""
        return not isinstance(self.standing, Asked) and not any(
            amount is not None for amount in self.returns.values()
        )

    @property
    def moving(self) -> bool:
        """The provider owes an answer on money that it takes or pays back."""
        asked = any(each.done is None for all in self.captures.values() for each in all)
        back = any(self.returns.get(number) is not None for number in self.refunds)
        return asked or back or isinstance(self.standing, Asked)


class Collecting(Struct, frozen=True):
    """Not every payment is there yet."""


class Secured(Struct, frozen=True):
    """Every payment is there, and ordering has been told so."""


class Stopped(Struct, frozen=True):
    """The order has been cancelled: nothing more is told of it."""


class Failing(Struct, frozen=True):
    """A payment was declined; the others are being given back."""

    reason: str


class Failed(Struct, frozen=True):
    """All that was there has been given back, and ordering has been told so."""


class Untouched(Struct, frozen=True):
    """Nobody has asked for the order's money."""


class Books(Struct, frozen=True):
    """`payments[n - 1]` is payment n. `parcels` and `causes` have had their effect already.

    `unpaid` is what parcels were worth beyond what could be claimed, `due` what is to be given back
    and could not be booked: the parcel has not been heard of yet. `claimed` is what parcels and
    returns have asked for, whether or not it was there.
    """

    currency: str
    payments: tuple[Payment, ...] = ()
    stage: Collecting | Secured | Stopped | Failing | Failed = Collecting()
    parcels: frozenset[int] = frozenset()
    causes: frozenset[str] = frozenset()
    unpaid: int = 0
    due: int = 0
    claimed: int = 0

    @property
    def to_come(self) -> int:
        """What parcels and returns may still ask for."""
        if not isinstance(self.stage, Collecting | Secured):
            return 0
        return max(0, sum(payment.amount for payment in self.payments) - self.claimed)

    def money(self, amount: int) -> Money:
        return Money(amount, self.currency)

    def payment(self, number: int) -> Payment | None:
        return self.payments[number - 1] if 1 <= number <= len(self.payments) else None

    def share_out(self, amount: int, *, last_first: bool = False, without: int = 0) -> list[Share]:
        """Claims up to `amount` of what remains, one payment after the other."""
        payments = reversed(self.payments) if last_first else self.payments
        rooms = [(p, p.remaining) for p in payments if p.number != without]
        return self._shared(amount, rooms)

    def share_back(self, amount: int) -> list[Share]:
        """Gives back up to `amount` of what parcels have claimed, the last payments first."""
        return self._shared(amount, [(p, p.refundable) for p in reversed(self.payments)])

    def _shared(self, amount: int, rooms: Iterable[tuple[Payment, int]]) -> list[Share]:
        shares = []
        for payment, room in rooms:
            part = min(amount, room)
            if part:
                shares.append(Share(payment=payment.number, amount=self.money(part)))
                amount -= part
        return shares
