"""What the books of the past don't agree on is found exactly, and settled by entries alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bus.envelope import Key
from bus.messages import Command
from bus.testing.ground import Ground, MemoryGround
from domains.ordering.messages import PastOrderClosed
from domains.payments.messages import PastPaymentsAdjusted
from domains.reconciliation.messages import ApproveCompensation, DismissDivergence, SetLimits
from projections.divergences import VIEW as DIVERGENCES
from projections.reconciliation.rules import RULES
from scripts.commands.waiting import decide, waiting
from scripts.olist.files import Files
from scripts.olist.history_check import Found
from scripts.olist.history_found import name_of
from scripts.olist.past import Facts, facts
from tests.mesh.healing import GRACE, Healing, healing, plant
from tests.mesh.recording import found, killed, recorded
from tests.olist_orders import write
from tests.simulation.books import audited, nothing_diverges, the_audit_balances

ENTRIES = {"PastPaymentsAdjusted", "PastOrderClosed", "PastCourseAccepted"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, past=True)


def differing(told: Found) -> list[tuple[str, int]]:
    return [(row.key, row.difference) for s in told.sections for row in s.differing]


def still_open(told: Found) -> Mapping[str, tuple[int, int]]:
    return {name_of(each.rule.name): each.open for each in told.rules if each.open[0]}


async def settled(they: Healing, folder: Path) -> None:
    """All that must be found was found, no more, and each was made right once, without a call."""
    told = await found(they.it, folder)
    assert differing(told) == []
    assert still_open(told) == {}
    rules = {rule for _, rule in await they.told()}
    assert rules == {name_of(each.rule.name) for each in told.rules if each.rule.orders}
    assert rules <= {rule.name for rule in RULES}
    await nobody_was_asked(they)
    await they.nothing_was_done_twice()
    await the_audit_balances(they.it)
    await nothing_diverges(they.it)


async def nobody_was_asked(they: Healing) -> None:
    assert they.it.provider.asked == []
    assert they.it.money() == {"held": 0, "kept": 0}
    for domain in ("ordering", "payments", "shipping", "inventory"):
        types = {event.type for event in await they.it.mesh.events(domain)}
        assert {type for type in types if not type.endswith("Recorded")} <= ENTRIES


async def entries(they: Healing) -> int:
    domains = ("ordering", "payments")
    told = [event for domain in domains for event in await they.it.mesh.events(domain)]
    return sum(event.type in ENTRIES for event in told)


async def test_all_that_the_files_do_not_agree_on_is_found_and_settled(
    ground: Ground, folder: Path
) -> None:
    async with healing(ground) as they:
        await recorded(they.it, folder)
        before = await found(they.it, folder)
        wanted = [id for each in before.rules for id in each.rule.orders]
        *recorded_facts, divergences, _ = before.sections
        assert [section for section in recorded_facts if section.differing] == []
        assert [row.difference for row in divergences.differing] == [-1] * len(wanted)

        await they.heal()

        await settled(they, folder)
        assert await entries(they) == len(wanted)
        assert await they.told("DivergenceEscalated", "DivergenceReopened") == []


async def test_after_another_import_there_is_nothing_more(
    memory_ground: MemoryGround, folder: Path
) -> None:
    async with healing(memory_ground) as they:
        await recorded(they.it, folder)
        await they.heal()
        before = await they.told()

        await recorded(they.it, folder)
        await they.heal()

        assert await they.told() == before
        await settled(they, folder)


@pytest.mark.parametrize("after", [28, 33, 41, 55])
async def test_a_killed_import_raises_nothing_wrong_and_is_made_up_for(
    memory_ground: MemoryGround, folder: Path, after: int
) -> None:
    async with healing(memory_ground) as they:
        await killed(they.it, folder, after)
        await they.it.mesh.advance(timedelta(hours=1))
        await they.heal()
        told = await found(they.it, folder)
        of_divergences = told.sections[-2:]
        assert [row for s in of_divergences for row in s.differing if row.difference > 0] == []

        await recorded(they.it, folder)
        await they.heal()

        await settled(they, folder)


def told_to(names: Sequence[str], fact: Facts) -> list[Command]:
    commands = {"ordering": fact.order, **dict(fact.others())}
    return [command for name, command in commands.items() if name in names]


@pytest.mark.parametrize(
    "names",
    [
        ("ordering",),
        ("ordering", "payments"),
        ("ordering", "shipping", "inventory"),
        ("payments", "shipping", "inventory"),
    ],
    ids=" and ".join,
)
async def test_nothing_is_found_where_not_all_have_been_told(
    memory_ground: MemoryGround, folder: Path, names: Sequence[str]
) -> None:
    async with healing(memory_ground) as they:
        for order in Files(folder).orders():
            for command in told_to(names, facts(order)):
                await they.it.accepted(command)
        await they.it.mesh.advance(timedelta(days=3))
        await they.heal()
        assert await they.told() == []

        await recorded(they.it, folder)
        await they.heal()

        await settled(they, folder)


@pytest.mark.parametrize("asks", [False, True], ids=["before", "after"])
async def test_killed_at_any_request_it_is_settled_once(
    memory_ground: MemoryGround, folder: Path, asks: bool
) -> None:
    async with healing(memory_ground) as they:
        it = they.it
        await recorded(it, folder)
        await it.mesh.rest()
        await it.mesh.advance(GRACE + timedelta(seconds=1))
        await they.killed_at_each_request(50, asks=asks)
        await they.heal()
        await settled(they, folder)


async def test_beyond_the_limit_a_person_decides_rule_by_rule(
    memory_ground: MemoryGround, folder: Path
) -> None:
    async with healing(memory_ground, views=[DIVERGENCES]) as they:
        it = they.it
        await it.accepted(SetLimits(id="all", largest_refund=0, most_an_hour=4))
        await recorded(it, folder)
        await they.heal()
        told = await found(it, folder)
        assert differing(told) == []
        waits = still_open(told)
        assert len(await they.told("CompensationRequested")) == 4
        assert await entries(they) == 4

        kept = "past-never-finished-shipped"
        for rule, (orders, cents) in waits.items():
            decision = DismissDivergence if rule == kept else ApproveCompensation
            found_of_it = await they.meanwhile(waiting(it.mesh.broker, rule))
            assert (len(found_of_it.ids), sum(found_of_it.sums.values())) == (orders, cents)
            decided = await they.meanwhile(decide(it.mesh.broker, decision, found_of_it.ids, "ok"))
            assert (decided.done, decided.refused) == (orders, {})
            again = await they.meanwhile(decide(it.mesh.broker, decision, found_of_it.ids, "ok"))
            assert again.refused == {}
        await they.heal()

        told = await found(it, folder)
        assert (differing(told), still_open(told)) == ([], {})
        dismissed = {name_of(e.rule.name): e.stages.get("dismissed") for e in told.rules}
        assert dismissed[kept] == waits[kept]
        await they.nothing_was_done_twice()
        await nobody_was_asked(they)
        await the_audit_balances(it)


async def test_an_entry_that_is_there_twice_is_found_and_booked_back(
    memory_ground: MemoryGround, folder: Path
) -> None:
    async with healing(memory_ground) as they:
        await recorded(they.it, folder)
        await they.heal()
        entry = await they.it.only("payments", "overpaid", "PastPaymentsAdjusted")
        assert entry.data.change == -150
        await they.it.mesh.advance(timedelta(seconds=1))
        key, again = Key("payment", "overpaid"), entry.data
        await plant(they.it, "payments", key, again, caused_by=entry.causation_id)
        await they.it.mesh.rest()
        assert await rules_broken(they) == {
            "a compensation is booked once",
            "an order's payments are their total",
            "what is kept is what the order cost",
        }

        await they.heal()

        changes = await they.it.all("payments", "overpaid", "PastPaymentsAdjusted")
        assert [event.data.change for event in changes] == [-150, -150, 150]  # type: ignore[attr-defined]
        assert await rules_broken(they) == {"a compensation is booked once"}
        await nobody_was_asked(they)


async def test_the_audit_knows_an_entry_that_nobody_asked_for(
    memory_ground: MemoryGround, folder: Path
) -> None:
    async with healing(memory_ground) as they:
        await recorded(they.it, folder)
        await they.heal()
        closed = PastOrderClosed(rule="past-never-finished-approved", divergence_id="none")
        await plant(they.it, "ordering", Key("order", "plain"), closed)
        paid = (await they.it.only("payments", "plain", "PastPaymentsRecorded")).data.total
        more = PastPaymentsAdjusted(change=0, kept=paid, rule="none", divergence_id="none")
        await plant(they.it, "payments", Key("payment", "plain"), more)
        await they.it.mesh.rest()
        assert await rules_broken(they) == {"every compensation answers a divergence"}


async def rules_broken(they: Healing) -> set[str]:
    return {finding.rule for finding in (await audited(they.it)).findings()}
