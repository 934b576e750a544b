"""What is done about a divergence: by itself within the limits, else by a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import Raw
from msgspec.structs import replace

from bus.decider import Refused, Unknown
from bus.messages import Event, Money
from bus.testing import NOW, at, given
from bus.testing.scenario import Given
from domains.reconciliation.domain import DOMAIN
from domains.reconciliation.messages import (
    ApproveCompensation,
    CompensationCounted,
    CompensationRequested,
    CorrectPayment,
    DismissDivergence,
    DivergenceDetected,
    DivergenceDismissed,
    DivergenceEscalated,
    DivergenceReopened,
    DivergenceResolved,
    GiveBackSurplus,
    LimitsSet,
    Remedy,
    ReportDivergence,
    ResolveDivergence,
    SetLimits,
    Subject,
    divergence_id,
)

RULE = "captured-too-much"
OF = Subject(kind="order", id="o-1")
ID = divergence_id(RULE, OF, "1")
FACTS = Raw(b"{}")
REMEDY = GiveBackSurplus(payment=1, amount=Money(500, "EUR"))


def report(
    seen: int = 0, *, said: str = "500 too much", remedy: Remedy | None = REMEDY
) -> ReportDivergence:
    return ReportDivergence(
        id=ID, rule=RULE, of=OF, said=said, remedy=remedy, facts=FACTS, since=NOW, seen=seen
    )


def detected(
    kind: type[DivergenceDetected] | type[DivergenceReopened] = DivergenceDetected,
    *,
    said: str = "500 too much",
    remedy: Remedy | None = REMEDY,
) -> Event:
    return kind(
        rule=RULE,
        of=OF,
        said=said,
        amount=None,
        remedy=remedy,
        facts=FACTS,
        positions={},
        since=NOW,
    )


def requested(number: int = 1, *, approved: bool = False, why: str = "") -> CompensationRequested:
    return CompensationRequested(
        rule=RULE,
        of=OF,
        domain="payments",
        number=number,
        remedy=REMEDY,
        approved=approved,
        why=why,
    )


def escalated(why: str) -> DivergenceEscalated:
    return DivergenceEscalated(rule=RULE, of=OF, why=why)


COUNTED = at("all", CompensationCounted(divergence_id=ID, at=NOW))
RESOLVED = DivergenceResolved(rule=RULE, of=OF, facts=FACTS, positions={})
NOBODY_KNOWS = escalated("no rule says what would make it right")
DISMISSED = DivergenceDismissed(rule=RULE, of=OF, why="agreed with the customer")
DISMISS = DismissDivergence(id=ID, why="agreed with the customer")


def reconciliation(*events: object) -> Given:
    return given(DOMAIN, *events)  # type: ignore[arg-type]


def test_what_is_found_is_compensated() -> None:
    reconciliation().when(report()).then(detected(), requested(), COUNTED)


def test_who_finds_it_twice_tells_nothing_new() -> None:
    reconciliation(detected(), requested()).when(report()).then()
    reconciliation(detected(), requested()).when(report(1)).then()


def test_what_is_still_there_after_its_compensation_is_compensated_again() -> None:
    again = detected(DivergenceReopened)
    reconciliation(detected(), requested()).when(report(2)).then(again, requested(2), COUNTED)


def test_after_three_compensations_a_person_must_look() -> None:
    known = [detected(), requested(1), detected(DivergenceReopened), requested(2)]
    known += [detected(DivergenceReopened), requested(3)]
    why = escalated("3 compensations have not helped")
    reconciliation(*known).when(report(6)).then(detected(DivergenceReopened), why)


def test_what_was_right_again_starts_anew() -> None:
    known = [detected(), requested(), RESOLVED]
    again = detected(DivergenceReopened)
    reconciliation(*known).when(report(3)).then(again, requested(2), COUNTED)


def test_without_a_remedy_a_person_decides() -> None:
    found = detected(remedy=None)
    reconciliation().when(report(remedy=None)).then(found, NOBODY_KNOWS)


def test_a_large_refund_waits_for_a_person() -> None:
    large = replace(REMEDY, amount=Money(50_001, "EUR"))
    why = escalated("more than 50000 would be given back")
    reconciliation().when(report(remedy=large)).then(detected(remedy=large), why)


@pytest.mark.parametrize(
    ("captured", "refunded", "waits"),
    [(50_001, 0, True), (50_001, 1, False), (0, -50_001, True), (-90_000, 0, False)],
)
def test_what_follows_the_provider_waits_where_it_gives_back_much(
    captured: int, refunded: int, waits: bool
) -> None:
    remedy = CorrectPayment(payment=1, captured=captured, refunded=refunded)
    out = reconciliation().when(report(remedy=remedy))
    assert any(isinstance(event, DivergenceEscalated) for event in out.events) == waits
    assert any(isinstance(event, CompensationRequested) for event in out.events) != waits


def test_so_many_an_hour_and_no_more() -> None:
    limits = LimitsSet(largest_refund=1000, most_an_hour=1)
    one = CompensationCounted(divergence_id="other", at=NOW - timedelta(minutes=59))
    why = escalated("1 compensations within an hour")
    reconciliation(at("all", limits, one)).when(report()).then(detected(), why)
    old = CompensationCounted(divergence_id="other", at=NOW - timedelta(minutes=60))
    reconciliation(at("all", limits, old)).when(report()).then(detected(), requested(), COUNTED)


def test_an_hour_slides_on_with_each_compensation() -> None:
    limits = LimitsSet(largest_refund=1000, most_an_hour=2)
    counted = [
        CompensationCounted(divergence_id="other", at=NOW - timedelta(minutes=minutes))
        for minutes in (61, 60, 59, 30)
    ]
    why = escalated("2 compensations within an hour")
    reconciliation(at("all", limits, *counted)).when(report()).then(detected(), why)
    told = reconciliation(at("all", limits, *counted[:3])).when(report())
    told.then(detected(), requested(), COUNTED)


def test_clocks_that_differ_count_all_the_same() -> None:
    limits = LimitsSet(largest_refund=1000, most_an_hour=2)
    ahead, behind = NOW + timedelta(seconds=5), NOW - timedelta(seconds=5)
    counted = [CompensationCounted(divergence_id="other", at=at) for at in (ahead, behind)]
    why = escalated("2 compensations within an hour")
    reconciliation(at("all", limits, *counted)).when(report()).then(detected(), why)


def test_what_waits_for_a_person_is_not_told_twice_but_told_anew_when_it_is_another() -> None:
    known = [detected(remedy=None), NOBODY_KNOWS]
    reconciliation(*known).when(report(2, remedy=None)).then()
    other = detected(DivergenceReopened, said="700 too much", remedy=None)
    told = report(2, said="700 too much", remedy=None)
    reconciliation(*known).when(told).then(other, NOBODY_KNOWS)


def test_a_person_approves_whatever_the_limits() -> None:
    approve = ApproveCompensation(id=ID, why="seen")
    known = [detected(), escalated("too much")]
    reconciliation(*known).when(approve).then(requested(approved=True, why="seen"))
    reconciliation(*known, requested(approved=True)).when(approve).then()
    reconciliation(*known, DISMISSED).when(approve).then(requested(approved=True, why="seen"))


@pytest.mark.parametrize("command", [ApproveCompensation(id=ID), DISMISS])
def test_a_person_decides_only_what_is_open(
    command: ApproveCompensation | DismissDivergence,
) -> None:
    reconciliation().when(command).then(Unknown("UnknownDivergence"))
    reconciliation(detected(), requested(), RESOLVED).when(command).then(Refused("Resolved"))


def test_without_a_remedy_there_is_nothing_to_approve() -> None:
    known = [detected(remedy=None), NOBODY_KNOWS]
    reconciliation(*known).when(ApproveCompensation(id=ID)).then(Refused("NoRemedy"))


def test_what_is_dismissed_stays_until_it_is_another() -> None:
    known = [detected(remedy=None), NOBODY_KNOWS]
    reconciliation(*known).when(DISMISS).then(DISMISSED)
    reconciliation(*known, DISMISSED).when(DISMISS).then()
    reconciliation(*known, DISMISSED).when(report(3, remedy=None)).then()


def test_what_is_being_made_right_can_t_be_dismissed() -> None:
    reconciliation(detected(), requested()).when(DISMISS).then(Refused("Compensating"))


def test_it_is_right_again_once() -> None:
    resolve = ResolveDivergence(id=ID, facts=FACTS, seen=2)
    reconciliation(detected(), requested()).when(resolve).then(RESOLVED)
    reconciliation(detected(), requested(), RESOLVED).when(resolve).then()
    reconciliation(detected()).when(resolve).then()


def test_limits_are_set_once() -> None:
    limits = SetLimits(id="all", largest_refund=100, most_an_hour=5)
    known = LimitsSet(largest_refund=100, most_an_hour=5)
    reconciliation().when(limits).then(known)
    reconciliation(known).when(limits).then()


def test_a_divergence_s_id_is_of_its_rule_and_what_it_is_about() -> None:
    assert ID == "captured-too-much-o-1-1"
    long = divergence_id(RULE, Subject(kind="order", id="x" * 64))
    assert len(long) <= 64
    assert long.startswith("captured-too-much--")
    assert long != divergence_id(RULE, Subject(kind="order", id="x" * 64), "1")
