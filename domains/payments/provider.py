"""The payment provider as payments sees it: what it can be asked, and what it can answer.

Adapters: `http_provider.py` and `memory_provider.py`; one suite of tests holds both.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from bus.messages import Money
from domains.payments.messages import PaymentType

# What it is asked. `order_id` and `payment` are for its report; `reference` is its own name
# for the authorisation or the settlement that a later request is about.


class Authorize(Struct, frozen=True, kw_only=True, tag_field="request", tag="Authorize"):
    """Hold `amount` on a card."""

    order_id: str
    payment: int
    customer_id: str
    type: PaymentType
    amount: Money
    installments: int
    token: str


class Settle(Struct, frozen=True, kw_only=True, tag_field="request", tag="Settle"):
    """Take `amount` in full."""

    order_id: str
    payment: int
    customer_id: str
    type: PaymentType
    amount: Money
    token: str


class Capture(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="request", tag="Capture"
):
    """Take `amount` of what is held; for the `number`-th time for that parcel."""

    order_id: str
    payment: int
    parcel: int
    amount: Money
    reference: str
    number: int = 1


class Void(Struct, frozen=True, kw_only=True, tag_field="request", tag="Void"):
    """Let go of `amount` of what is held."""

    order_id: str
    payment: int
    number: int
    amount: Money
    reference: str


class Refund(Struct, frozen=True, kw_only=True, tag_field="request", tag="Refund"):
    """Pay back `amount` of what was taken."""

    order_id: str
    payment: int
    number: int
    amount: Money
    reference: str


Request = Authorize | Settle | Capture | Void | Refund
REQUESTS = (Authorize, Settle, Capture, Void, Refund)

# What it answers.


class Done(Struct, frozen=True):
    reference: str


class Refusal(Struct, frozen=True):
    """The customer's means of payment don't give it."""

    reason: str


class Pending(Struct, frozen=True):
    """Not decided yet; ask again, under the same key, in so many seconds."""

    seconds: float


Answer = Done | Refusal | Pending


class Rejected(Exception):
    """The provider is there and won't have the request: a key used again, more than is held.

    No rule of the business covers that. It is asked again, ever more rarely, until a person
    has put it right; the circuit breaker takes no notice.
    """


class ReportLine(Struct, frozen=True, kw_only=True):
    """One payment in the provider's own books, amounts in minor units.

    What is held now is `authorised - captured - voided`; what it has taken and kept is
    `captured + settled - refunded`.
    """

    reference: str
    order_id: str
    payment: int
    type: PaymentType
    currency: str
    authorised: int = 0
    captured: int = 0
    settled: int = 0
    voided: int = 0
    refunded: int = 0


class MovementLine(Struct, frozen=True, kw_only=True):
    """One line of the provider's settlement report: money that it took, at once or of what it
    held (`captured`), or paid back (`refunded`). `movement` is its own id of that."""

    movement: str
    time: datetime
    order: str
    payment: int
    reference: str
    kind: Literal["captured", "refunded"]
    amount: int
    currency: str


class Provider(Protocol):
    async def ask(self, request: Request, idempotency_key: str) -> Answer:
        """Asked again under the same key, it answers the same and moves no money twice.

        Raises OutsideUnavailable where no answer came (what was asked for may have
        happened), and Rejected.
        """

    async def close(self) -> None: ...
