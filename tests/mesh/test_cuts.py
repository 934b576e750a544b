"""`qry.cuts.at` over a running shop, on doubles and on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from bus.causation import causing_event
from bus.envelope import Recorded
from bus.testing.ground import Ground
from domains.ordering.messages import CancelOrder
from domains.shipping.messages import DispatchShipment
from projections.cuts import VIEW
from tests.mesh.shop import DOMAINS, Shop, line, order, shop

NAMES = sorted(domain.name for domain in DOMAINS)
Events = Mapping[str, Sequence[Recorded[Any]]]


@pytest.fixture
async def it(ground: Ground) -> AsyncIterator[Shop]:
    """A shop in which an order is on its way, one cancelled, one not to be had."""
    async with shop(ground, views=[VIEW]) as it:
        await it.stock(tea=5)
        await it.accepted(order("o-1", line("tea", 2)))
        # An id that would be a cause of which nothing can be shown, if it were believed.
        await it.accepted(order("o-2", line("tea", 1)), command_id="shipping:4711")
        await it.accepted(order("o-3", line("tea", 9)))
        await it.mesh.rest()
        await it.accepted(DispatchShipment(id="o-1", parcel=1))
        await it.accepted(CancelOrder(id="o-2"))
        await it.mesh.rest()
        yield it


async def events(it: Shop) -> Events:
    return {name: await it.mesh.events(name) for name in NAMES}


async def cut(it: Shop, **question: Any) -> dict[str, int]:
    return dict((await it.mesh.query("cuts", "at", **question))["cut"])


async def refused(it: Shop, body: str) -> dict[str, Any]:
    reply = await it.mesh.broker.request("qry.cuts.at", body.encode())
    assert reply.headers["Nats-Service-Error-Code"] in ("400", "503")
    return dict(msgspec.json.decode(reply.body))


def assert_consistent(known: Events, found: Mapping[str, int]) -> None:
    assert [*found] == NAMES
    for name, position in found.items():
        for event in known[name][:position]:
            cause = causing_event(event.causation_id)
            assert cause is None or cause[1] <= found[cause[0]], event


async def test_a_time_that_has_not_come_is_answered_with_all_there_is(it: Shop) -> None:
    known = await events(it)
    everything = await cut(it, time="2100-01-01T00:00:00Z")
    assert everything == {name: len(known[name]) for name in NAMES}
    assert await cut(it, time="1999-01-01T00:00:00+02:00") == dict.fromkeys(NAMES, 0)


async def test_at_every_moment_no_effect_is_shown_without_its_cause(it: Shop) -> None:
    known = await events(it)
    for time in sorted({event.time for name in NAMES for event in known[name]}):
        found = await cut(it, time=time)
        assert_consistent(known, found)
        assert all(event.time <= time for n in NAMES for event in known[n][: found[n]])


async def test_every_event_has_a_cut_that_ends_with_it(it: Shop) -> None:
    known = await events(it)
    for name in NAMES:
        for position in range(len(known[name]) + 1):
            found = await cut(it, positions={name: position})
            assert found[name] == position
            assert_consistent(known, found)


async def test_two_positions_are_kept_or_it_is_said_which_event_needs_which(it: Shop) -> None:
    reserved = await it.only("inventory", "o-1", "StockReserved")
    _, asked_for = causing_event(reserved.causation_id) or ("", 0)
    both = {"inventory": reserved.position, "ordering": asked_for}
    found = await cut(it, positions=both)
    assert both.items() <= found.items()
    assert_consistent(await events(it), found)
    body = f'{{"positions":{{"inventory":{reserved.position},"ordering":{asked_for - 1}}}}}'
    answer = await refused(it, body)
    assert (answer["status"], answer["code"]) == ("invalid", "InvalidBody")
    assert answer["details"]["field"] == "positions"
    assert f"needs ordering:{asked_for}, but ordering is named at" in answer["message"]


async def test_a_position_that_has_not_come_is_told_as_such(it: Shop) -> None:
    answer = await refused(it, '{"positions":{"ordering":4711}}')
    assert (answer["status"], answer["code"]) == ("unavailable", "CatchingUp")
    assert "ordering=4711" in answer["message"]
    assert answer["details"]["after"] == {"ordering": 4711}


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ("", "time", "either a time or positions"),
        ('{"time":"2026-01-01T00:00:00Z","positions":{"ordering":1}}', "time", "either"),
        ('{"time":"2026-01-01T00:00:00"}', "time", "timezone"),
        ('{"time":"yesterday"}', "time", "RFC3339"),
        ('{"positions":{}}', "positions", "must name one"),
        ('{"positions":{"tills":1}}', "positions", "'tills'"),
        ('{"positions":{"ordering":-1}}', "positions", ">= 0"),
        ('{"positions":{"ordering":"1"}}', "positions", "int"),
        ('{"moment":1}', "moment", "unknown field"),
    ],
)
async def test_a_question_that_cannot_be_asked_names_the_field_and_the_rule(
    it: Shop, body: str, field: str, rule: str
) -> None:
    answer = await refused(it, body)
    assert (answer["status"], answer["code"]) == ("invalid", "InvalidBody")
    assert answer["details"]["field"] == field
    assert rule in answer["message"]
