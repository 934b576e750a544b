"""A reaction of inventory that was lost, and what was done about it."""

from datetime import UTC, datetime

from msgspec import Raw

from domains.reconciliation.messages import (
    CONTRACT,
    CompensationCounted,
    CompensationRequested,
    DivergenceDetected,
    DivergenceDismissed,
    DivergenceEscalated,
    DivergenceReopened,
    DivergenceResolved,
    LimitsSet,
    ReactAgain,
    Subject,
)

RULE = "stock-held-for-ended"
OF = Subject(kind="order", id="o-1001")
ID = f"{RULE}-o-1001"
SINCE = datetime(2026, 1, 5, 9, 29, tzinfo=UTC)
POSITIONS = {"ordering": 12, "inventory": 7}
REMEDY = ReactAgain(domain="inventory", upstream="ordering", position=12, event=Raw(b'{"id":"e"}'))
SAID = "inventory has done nothing about ordering's OrderCancelled"

_NEWS = [
    kind(
        rule=RULE,
        of=OF,
        said=SAID,
        amount=None,
        remedy=REMEDY,
        facts=Raw(b"{}"),
        positions=POSITIONS,
        since=SINCE,
    )
    for kind in (DivergenceDetected, DivergenceReopened)
]
EVENTS = [
    *((ID, event) for event in _NEWS),
    (
        ID,
        CompensationRequested(
            rule=RULE,
            of=OF,
            domain="inventory",
            number=1,
            remedy=REMEDY,
            approved=False,
            why="",
        ),
    ),
    (ID, DivergenceEscalated(rule=RULE, of=OF, why="3 compensations have not helped")),
    (ID, DivergenceResolved(rule=RULE, of=OF, facts=Raw(b"{}"), positions=POSITIONS)),
    (ID, DivergenceDismissed(rule=RULE, of=OF, why="the parcel has turned up")),
    ("all", LimitsSet(largest_refund=50_000, most_an_hour=1_000)),
    ("all", CompensationCounted(divergence_id=ID, at=SINCE)),
]
__all__ = ["CONTRACT", "EVENTS"]
