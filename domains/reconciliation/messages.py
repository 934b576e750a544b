"""What reconciliation takes and tells: where two books disagree, and what was done about it.

The aggregate `divergence` is one disagreement: one rule, about one thing. Its id is made of both,
so that whoever finds it, however often, finds the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from bus.contract import Contract
from bus.messages import Command, Event, Id, Money, Text

Kind = Literal["order", "sku"]
"""What a divergence is about. Its row among the facts has the key `<kind>/<id>`."""
Signed = Annotated[int, Meta(ge=-(2**53), le=2**53)]
LONGEST_ID = 64


class Subject(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: Kind
    id: Id

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.id}"


def divergence_id(rule: str, of: Subject, part: str = "") -> str:
    """`part` tells apart what a rule may find several of in one thing: parcels, payments."""
    id = "-".join(filter(None, (rule, of.id, part.replace(".", "_"))))
    if len(id) <= LONGEST_ID and "--" not in id:
        return id
    return f"{rule}--{hashlib.sha256(id.encode()).hexdigest()[:24]}"


# What would make it right: a remedy, for the domain that owns the wrong book.


class ReactAgain(Struct, frozen=True, kw_only=True, tag_field="do", tag="ReactAgain"):
    """Take another domain's event again, whose effect is missing. What it has had already is not
    had twice. `event` is its envelope, so that nobody must ask for it."""

    domain: Id
    upstream: Id
    position: int
    event: Raw


class CorrectStock(Struct, frozen=True, kw_only=True, tag_field="do", tag="CorrectStock"):
    """Change inventory's two books by so many units: an order's reservation, and the SKUs."""

    domain: Literal["inventory"] = "inventory"
    kept: Mapping[str, Signed] = {}
    on_hand: Mapping[str, Signed] = {}
    reserved: Mapping[str, Signed] = {}


class GiveBackSurplus(Struct, frozen=True, kw_only=True, tag_field="do", tag="GiveBackSurplus"):
    """A payment has taken more than its parcels and returns account for: pay that back."""

    domain: Literal["payments"] = "payments"
    payment: int
    amount: Money


class BookShortfall(Struct, frozen=True, kw_only=True, tag_field="do", tag="BookShortfall"):
    """A payment has given less for a parcel than it was asked for: claim the rest elsewhere."""

    domain: Literal["payments"] = "payments"
    payment: int


class CorrectPayment(Struct, frozen=True, kw_only=True, tag_field="do", tag="CorrectPayment"):
    """The provider says that it took so much more of a payment, or less, and paid back so much
    more, or less: follow it. What it kept beyond the books is given back to the customer."""

    domain: Literal["payments"] = "payments"
    payment: int
    captured: Signed
    refunded: Signed


class CorrectParcel(Struct, frozen=True, kw_only=True, tag_field="do", tag="CorrectParcel"):
    """Shipping has told more than once that a parcel left: so many of these don't count."""

    domain: Literal["shipping"] = "shipping"
    parcel: int
    surplus: int


class CallOffParcel(Struct, frozen=True, kw_only=True, tag_field="do", tag="CallOffParcel"):
    """Shipping has planned it beside another parcel for the same."""

    domain: Literal["shipping"] = "shipping"
    parcel: int


# … and what puts right the books of an order of the past: an entry, and no call to anybody.


class AdjustPastPayments(
    Struct, frozen=True, kw_only=True, tag_field="do", tag="AdjustPastPayments"
):
    """Of what was paid elsewhere `kept` is to be counted as kept."""

    domain: Literal["payments"] = "payments"
    kept: Money


class ClosePastOrder(Struct, frozen=True, kw_only=True, tag_field="do", tag="ClosePastOrder"):
    """It was never finished: nothing more is to come of it."""

    domain: Literal["ordering"] = "ordering"


class AcceptPastCourse(Struct, frozen=True, kw_only=True, tag_field="do", tag="AcceptPastCourse"):
    """It can't have gone as it was told, and nobody knows better: it is taken as it is."""

    domain: Literal["ordering"] = "ordering"


Remedy = (
    ReactAgain
    | CorrectStock
    | GiveBackSurplus
    | BookShortfall
    | CorrectPayment
    | CorrectParcel
    | CallOffParcel
    | AdjustPastPayments
    | ClosePastOrder
    | AcceptPastCourse
)

# Commands. The id is the divergence's. Those who look at the facts send the first two.


class ReportDivergence(Command, tag="ReportDivergence"):
    """Two books disagree. `seen` is how many events of the divergence its finder knew, so that
    what he has seen in the meantime of others' doing is not taken for news. `positions` are how
    far he had read."""

    rule: Id
    of: Subject
    said: Text
    amount: Money | None = None
    remedy: Remedy | None = None
    facts: Raw
    positions: Mapping[str, int] = {}
    since: datetime
    seen: Annotated[int, Meta(ge=0)] = 0


class ResolveDivergence(Command, tag="ResolveDivergence"):
    """They agree again."""

    facts: Raw
    positions: Mapping[str, int] = {}
    seen: Annotated[int, Meta(ge=0)] = 0


class ApproveCompensation(Command, tag="ApproveCompensation"):
    """A person has looked: what was proposed is to be done, whatever the limits."""

    why: Text = ""


class DismissDivergence(Command, tag="DismissDivergence"):
    """A person has looked: it is to stay as it is. It comes again when it is another one."""

    why: Annotated[Text, Meta(min_length=1)]


class SetLimits(Command, tag="SetLimits"):
    """How much is done without a person; the id is `all`. `largest_refund` is in minor units of
    any currency, `most_an_hour` counts compensations of all domains."""

    largest_refund: Annotated[int, Meta(ge=0, le=2**53)]
    most_an_hour: Annotated[int, Meta(ge=0, le=1_000_000)]


# Events of a divergence.


class DivergenceDetected(Event, tag="DivergenceDetected"):
    rule: Id
    of: Subject
    said: Text
    amount: Money | None
    remedy: Remedy | None
    facts: Raw
    positions: Mapping[str, int]
    since: datetime


class DivergenceReopened(Event, tag="DivergenceReopened"):
    """It is there again, or still, or another than before."""

    rule: Id
    of: Subject
    said: Text
    amount: Money | None
    remedy: Remedy | None
    facts: Raw
    positions: Mapping[str, int]
    since: datetime


class CompensationRequested(Event, tag="CompensationRequested"):
    """`domain` is to make it right by `remedy`; `number` counts the attempts. `approved` says
    whether a person has said so, and `why` what he said."""

    rule: Id
    of: Subject
    domain: Id
    number: int
    remedy: Remedy
    approved: bool
    why: Text


class DivergenceEscalated(Event, tag="DivergenceEscalated"):
    """A person must decide: `trueup divergences`."""

    rule: Id
    of: Subject
    why: Text


class DivergenceResolved(Event, tag="DivergenceResolved"):
    rule: Id
    of: Subject
    facts: Raw
    positions: Mapping[str, int]


class DivergenceDismissed(Event, tag="DivergenceDismissed"):
    rule: Id
    of: Subject
    why: Text


# Events of the limits.


class LimitsSet(Event, tag="LimitsSet"):
    largest_refund: int
    most_an_hour: int


class CompensationCounted(Event, tag="CompensationCounted"):
    """One was requested without a person."""

    divergence_id: Id
    at: datetime


CONTRACT = Contract(
    domain="reconciliation",
    commands={
        "divergence": (
            ReportDivergence,
            ResolveDivergence,
            ApproveCompensation,
            DismissDivergence,
        ),
        "limits": (SetLimits,),
    },
    events={
        "divergence": (
            DivergenceDetected,
            DivergenceReopened,
            CompensationRequested,
            DivergenceEscalated,
            DivergenceResolved,
            DivergenceDismissed,
        ),
        "limits": (LimitsSet, CompensationCounted),
    },
)
