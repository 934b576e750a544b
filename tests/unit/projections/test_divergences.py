"""What the view `divergences` makes of the life of a divergence."""

from __future__ import annotations

from msgspec import Raw

from bus.messages import Event, Money
from bus.testing import NOW, at
from bus.testing.told import told
from domains.reconciliation.messages import (
    CompensationRequested,
    DivergenceDetected,
    DivergenceDismissed,
    DivergenceEscalated,
    DivergenceResolved,
    GiveBackSurplus,
    LimitsSet,
    Subject,
)
from projections.divergences import VIEW

RULE = "captured-too-much"
OF = Subject(kind="order", id="o-1")
REMEDY = GiveBackSurplus(payment=1, amount=Money(500, "EUR"))
FOUND = DivergenceDetected(
    rule=RULE,
    of=OF,
    said="500 too much",
    amount=Money(500, "EUR"),
    remedy=REMEDY,
    facts=Raw(b"{}"),
    positions={},
    since=NOW,
)
ASKED = CompensationRequested(
    rule=RULE, of=OF, domain="payments", number=1, remedy=REMEDY, approved=False, why=""
)
WAITS = DivergenceEscalated(rule=RULE, of=OF, why="too much")
RIGHT = DivergenceResolved(rule=RULE, of=OF, facts=Raw(b"{}"), positions={})
LEFT = DivergenceDismissed(rule=RULE, of=OF, why="agreed")


async def stage(*events: Event) -> tuple[str, str, str]:
    row = await (await told(VIEW, at("d-1", *events))).row("d-1")
    return row["stage"], row["open"], row["why"]


async def test_each_step_is_told() -> None:
    view = await told(VIEW, at("d-1", FOUND, ASKED, RIGHT))
    row = await view.ask("get", "d-1")
    assert [step["event"] for step in row["steps"]] == [
        "DivergenceDetected",
        "CompensationRequested",
        "DivergenceResolved",
    ]
    assert (row["rule"], row["subject"], row["amount"], row["currency"]) == (
        RULE,
        "o-1",
        500,
        "EUR",
    )
    assert (row["remedy"], row["compensations"]) == ("payments: GiveBackSurplus", 1)


async def test_it_is_open_until_it_is_right_or_dismissed() -> None:
    assert await stage(FOUND, ASKED) == ("compensating", "yes", "")
    assert await stage(FOUND, WAITS) == ("escalated", "yes", "too much")
    assert await stage(FOUND, ASKED, RIGHT) == ("resolved", "no", "")
    assert await stage(FOUND, WAITS, LEFT) == ("dismissed", "no", "agreed")


async def test_the_oldest_that_is_open() -> None:
    facts = (at("d-1", FOUND, ASKED, RIGHT), at("d-2", FOUND, WAITS), at("d-3", FOUND))
    view = await told(VIEW, *facts, at("all", LimitsSet(largest_refund=1, most_an_hour=1)))
    assert (await view.ask("oldest"))["oldest"]["id"] == "d-2"
    assert [row["id"] for row in (await view.ask("list", open=True))["rows"]] == ["d-2", "d-3"]
    assert [row["id"] for row in (await view.ask("list", stage="resolved"))["rows"]] == ["d-1"]
    assert (await (await told(VIEW)).ask("oldest"))["oldest"] is None


async def test_money_by_rule_and_stage() -> None:
    view = await told(VIEW, at("d-1", FOUND, WAITS), at("d-2", FOUND, WAITS), at("d-3", FOUND))
    rows = (await view.ask("totals"))["rows"]
    found = {row["stage"]: (row["count"], row["amount"], row["currency"]) for row in rows}
    assert found == {"escalated": (2, 1000, "EUR"), "open": (1, 500, "EUR")}
