"""What does not agree of an order of the past is found by its rule, until an entry settles it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bus.messages import Event
from domains.ordering.messages import PastCourseAccepted, PastOrderClosed
from tests.controls.examples.past import APPROVED, ARRIVED, ORDER, SENT, SHIPMENTS
from tests.unit.reconciliation.past_orders import (
    COST,
    EMPTY,
    NOTHING_SENT,
    adjusted,
    amounts,
    found,
    in_state,
    paid,
    sent,
    tasks,
)

PAID = paid(COST)
PLANNED, OFF = sent("planned"), sent("called_off")
MONEY: list[tuple[list[Event], str, int, int]] = [
    ([in_state("cancelled"), PAID, OFF], "past-money-kept-for-cancelled", COST, 0),
    ([in_state("cancelled"), paid(7), SHIPMENTS], "past-money-kept-for-cancelled", 7, 0),
    ([EMPTY, paid(20), NOTHING_SENT], "past-paid-without-items", 20, 0),
    ([ORDER, paid(), SHIPMENTS], "past-items-without-payment", COST, COST),
    ([ORDER, paid(0), SHIPMENTS], "past-items-without-payment", COST, COST),
    ([ORDER, paid(COST - 1), SHIPMENTS], "past-rounding", 1, COST),
    ([ORDER, paid(COST, 2), SHIPMENTS], "past-rounding", 2, COST),
    ([ORDER, paid(COST + 2), SHIPMENTS], "past-overpaid", 2, COST),
    ([ORDER, paid(COST - 4, 1), SHIPMENTS], "past-underpaid", 3, COST),
    ([in_state("placed"), paid(COST - 9), PLANNED], "past-underpaid", 9, COST),
]
RIGHT: list[list[Event]] = [
    [ORDER, PAID, SHIPMENTS],
    [ORDER, paid(COST - 1, 1), SHIPMENTS],
    [in_state("cancelled"), paid(), OFF],
    [in_state("cancelled"), paid(0), OFF],
]


def of_money(rules: dict[str, int]) -> dict[str, int]:
    return {rule: n for rule, n in rules.items() if not rule.startswith("past-never-finished")}


@pytest.mark.parametrize(("events", "rule", "cents", "kept"), MONEY)
async def test_money_that_does_not_fit_is_found_by_one_rule_and_settled_by_an_entry(
    events: list[Event], rule: str, cents: int, kept: int
) -> None:
    assert of_money(await amounts(*events)) == {rule: cents}
    (remedy,) = (each["remedy"] for each in await found(*events) if each["rule"] == rule)
    assert remedy == {
        "do": "AdjustPastPayments",
        "domain": "payments",
        "kept": {"amount": kept, "currency": "BRL"},
    }
    fact = next(event for event in events if type(event) is type(PAID))
    entry = adjusted(kept - fact.total.amount, kept)
    assert of_money(await amounts(*events, entry)) == {}
    assert of_money(await amounts(*events, entry, entry)) != {}


@pytest.mark.parametrize("events", RIGHT)
async def test_money_that_fits_is_not_found(events: list[Event]) -> None:
    assert await amounts(*events) == {}


async def test_what_was_only_placed_need_not_be_paid() -> None:
    assert await amounts(in_state("placed"), paid(), PLANNED) == {"past-never-finished-placed": 0}


LATE = SENT + timedelta(days=1)
COURSE: list[tuple[list[Event], set[str]]] = [
    ([ORDER, PAID, sent("delivered", delivered_at=ARRIVED)], {"past-no-carrier-date"}),
    (
        [in_state("delivered", delivered_at=None), PAID, sent("delivered", dispatched_at=SENT)],
        {"past-no-delivery-date"},
    ),
    (
        [in_state("delivered", delivered_at=None), PAID, sent("delivered")],
        {"past-no-delivery-date", "past-no-carrier-date"},
    ),
    ([in_state("delivered", approved_at=LATE), PAID, SHIPMENTS], {"past-left-before-approval"}),
    ([in_state("delivered", approved_at=SENT), PAID, SHIPMENTS], set()),
    ([in_state("delivered", approved_at=None), PAID, SHIPMENTS], {"past-left-without-approval"}),
    (
        [in_state("cancelled", approved_at=None), paid(), SHIPMENTS],
        {"past-left-without-approval"},
    ),
    ([in_state("cancelled", approved_at=None), paid(), OFF], set()),
    (
        [in_state("shipped", approved_at=None), PAID, sent("dispatched")],
        {"past-left-without-approval", "past-never-finished-shipped"},
    ),
    ([in_state("cancelled"), paid(), sent("delivered", delivered_at=ARRIVED)], set()),
]


@pytest.mark.parametrize(("events", "rules"), COURSE)
async def test_a_course_that_can_not_be_is_found_and_taken_as_it_was_told(
    events: list[Event], rules: set[str]
) -> None:
    there = await amounts(*events)
    assert set(there) == rules
    for rule in rules - {"past-never-finished-shipped"}:
        accepted = PastCourseAccepted(rule=rule, divergence_id="d")
        assert set(await amounts(*events, accepted)) == rules - {rule}


@pytest.mark.parametrize(
    ("state", "status", "rule"),
    [
        ("placed", "created", "past-never-finished-created"),
        ("confirmed", "approved", "past-never-finished-approved"),
        ("confirmed", "invoiced", "past-never-finished-invoiced"),
        ("confirmed", "processing", "past-never-finished-processing"),
        ("shipped", "shipped", "past-never-finished-shipped"),
        ("shipped", "despachado " * 45, "past-never-finished-shipped"),
        ("confirmed", "", "past-never-finished-confirmed"),
    ],
)
async def test_an_order_without_an_end_is_found_by_its_status_until_it_is_closed(
    state: str, status: str, rule: str
) -> None:
    events = [in_state(state, status, approved_at=APPROVED), PAID, PLANNED]
    (task,) = await tasks(*events)
    assert (task["found"]["rule"], task["found"]["amount"]["amount"]) == (rule, COST)
    assert task["found"]["remedy"] == {"do": "ClosePastOrder", "domain": "ordering"}
    assert len(task["found"]["said"]) < 100
    assert await amounts(*events, PastOrderClosed(rule=rule, divergence_id="d")) == {}


async def test_what_was_paid_is_what_a_course_comes_to_whatever_entries_say() -> None:
    events = [in_state("shipped"), paid(COST + 300), sent("dispatched", dispatched_at=SENT)]
    rule = "past-never-finished-shipped"
    assert await amounts(*events) == {"past-overpaid": 300, rule: COST + 300}
    assert await amounts(*events, adjusted(-300, COST)) == {rule: COST + 300}


async def test_a_closed_order_is_no_cancelled_one() -> None:
    events = [in_state("shipped"), PAID, sent("dispatched", dispatched_at=SENT)]
    assert await amounts(*events, PastOrderClosed(rule="any", divergence_id="d")) == {}


@pytest.mark.parametrize("untold", [0, 1, 2])
async def test_nothing_is_said_until_all_have_told(untold: int) -> None:
    facts: list[Event] = [in_state("cancelled", approved_at=None), PAID, SHIPMENTS]
    assert len(await tasks(*facts)) == 2
    assert await tasks(*(fact for number, fact in enumerate(facts) if number != untold)) == []


async def test_it_counts_from_when_the_last_one_told_it_here() -> None:
    (task,) = await tasks(in_state("cancelled"), PAID, OFF)
    assert task["due"] == "2026-01-01T00:00:02.000000Z"
    assert task["found"]["since"].startswith("2026-01-01T00:00:02")
