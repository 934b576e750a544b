"""The audit finds what is wrong with the entries that have put the past's books right."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.testing.ground import MemoryGround
from tests.mesh.healing import healing
from tests.mesh.recording import recorded
from tests.olist_orders import write
from tests.simulation.test_audit import Fault, Told, altered, audited, each, numbered, twice

BOOKED = "what made the past right was booked"
ANSWERED = "every compensation answers a divergence"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A past, recorded and settled."""
    return asyncio.run(_settled(write(tmp_path_factory.mktemp("olist"), past=True)))


async def _settled(folder: Path) -> Told:
    async with healing(MemoryGround()) as they:
        await recorded(they.it, folder)
        await they.heal()
        return {
            domain: [
                msgspec.json.decode(event.body)
                for event in await store.read(0, (await store.head()).position)
            ]
            for domain, store in they.it.mesh.stores.items()
        }


def left_out(domain: str, type: str) -> Fault:
    """An event of something else is there in its place: no position is missing."""
    return each(
        domain, type, lambda _, event: event.update(subject="none/none", type="None", data={})
    )


def unasked(_: Told, event: Any) -> None:
    event["causationid"] = "somebody"


def without_its_divergence(told: Told, id: str) -> None:
    found = [e for e in told["reconciliation"] if e["subject"] == f"divergence/past-overpaid-{id}"]
    assert found
    for event in found:
        event["subject"] = "divergence/another"


def cent(data: Any) -> None:
    data["change"] += 1


def other(data: Any) -> None:
    data["divergence_id"] = "past-overpaid-plain"


FAULTS: dict[str, tuple[str, Fault, set[str]]] = {
    "an entry of money left out": (
        "overpaid",
        left_out("payments", "PastPaymentsAdjusted"),
        {"what is kept is what the order cost", BOOKED},
    ),
    "an order that was not closed": ("approved", left_out("ordering", "PastOrderClosed"), {BOOKED}),
    "a course that was not accepted": (
        "sent-early",
        left_out("ordering", "PastCourseAccepted"),
        {BOOKED},
    ),
    "an entry of a wrong amount": (
        "overpaid",
        altered("payments", "PastPaymentsAdjusted", cent),
        {"what is kept is what the order cost", "an order's payments are their total"},
    ),
    "an entry of money twice": (
        "overpaid",
        twice("payments", "PastPaymentsAdjusted"),
        {"what is kept is what the order cost", "an order's payments are their total"},
    ),
    "an order that was closed twice": (
        "approved",
        twice("ordering", "PastOrderClosed"),
        {"an order is settled once"},
    ),
    "a course that was accepted twice": (
        "sent-early",
        twice("ordering", "PastCourseAccepted"),
        {"an order is settled once"},
    ),
    "an entry that nobody asked for": (
        "overpaid",
        each("payments", "PastPaymentsAdjusted", unasked),
        {ANSWERED},
    ),
    "an entry that answers another divergence": (
        "overpaid",
        altered("payments", "PastPaymentsAdjusted", other),
        {ANSWERED, BOOKED},
    ),
    "an entry without a divergence": ("overpaid", without_its_divergence, {ANSWERED, BOOKED}),
}


def test_a_settled_past_balances(told: Told) -> None:
    assert list(audited(told).findings()) == []
    past = audited(told).past()["BRL"]
    assert (past["unbalanced"], past["over"], past["under"]) == (0, 0, 0)


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_wrong_with_an_entry_is_found(told: Told, what: str) -> None:
    id, fault, rules = FAULTS[what]
    spoilt = copy.deepcopy(told)
    fault(spoilt, id)
    numbered(spoilt)
    assert {finding.rule for finding in audited(spoilt).findings()} == rules


def test_what_is_not_read_yet_is_not_missed(told: Told) -> None:
    """The entry may lie beyond what has been read of its stream."""
    some = copy.deepcopy(told)
    entry = next(e for e in some["ordering"] if e["type"] == "PastOrderClosed")
    some["ordering"] = some["ordering"][: some["ordering"].index(entry)]
    assert BOOKED not in {finding.rule for finding in audited(some).findings()}
