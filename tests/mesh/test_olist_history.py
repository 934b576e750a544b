"""The import of history on a whole mesh: every oddity is remembered, and nobody acts on it."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from bus.testing.ground import Ground
from domains.ordering.messages import CancelOrder, PlaceOrder
from domains.shipping.messages import DispatchShipment
from projections.orders import VIEW as ORDERS
from projections.payments import VIEW as PAYMENTS
from projections.products import VIEW as PRODUCTS
from projections.sales import VIEW as SALES
from projections.stock import VIEW as STOCK
from scripts.audit.auditing import Auditing
from scripts.audit.report import Report, report
from scripts.olist.expected_history import MONEY, ExpectedHistory
from scripts.olist.files import Files
from scripts.olist.remembered import TurnedDown
from tests.mesh.recording import check, killed, recorded
from tests.mesh.shop import DOMAINS, Shop, line, order, shop
from tests.olist_orders import ORDERS as FIRST
from tests.olist_orders import PAST_ORDERS, write

COUNT = len(FIRST) + len(PAST_ORDERS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, past=True)


async def _checked(it: Shop, folder: Path) -> list[str]:
    """The books that differ from the files."""
    sections = await check(it, folder).sections()
    return [section.title for section in sections if section.differing]


async def _types(it: Shop) -> dict[str, set[str]]:
    return {
        domain.name: {event.type for event in found}
        for domain in DOMAINS
        if (found := await it.mesh.events(domain.name))
    }


async def _heads(it: Shop) -> dict[str, int]:
    heads = {domain.name: len(await it.mesh.events(domain.name)) for domain in DOMAINS}
    return {domain: head for domain, head in heads.items() if head}


async def _audited(it: Shop) -> Report:
    it.mesh.clock.advance(timedelta(minutes=5))
    audit = Auditing(it.mesh.broker, it.mesh.stores, it.mesh.clock, timedelta(0))
    task = asyncio.create_task(audit.catch_up(lambda done, total: None))

    async def ended() -> bool:
        return task.done()

    await it.mesh.until(ended, "the audit", passing=timedelta(seconds=1))
    await task
    return report(audit)


async def test_the_past_is_remembered_to_the_cent_and_nobody_acts_on_it(
    ground: Ground, folder: Path
) -> None:
    async with shop(ground) as it:
        found = await recorded(it, folder)
        await it.mesh.rest()
        it.mesh.clock.advance(timedelta(days=60))
        await it.mesh.rest()

        assert found.refused == []
        assert found.orders.total() == COUNT
        assert await _checked(it, folder) == []
        assert await _types(it) == {
            "catalog": {"PastProductRecorded"},
            "ordering": {"PastOrderRecorded"},
            "inventory": {"PastStockRecorded"},
            "payments": {"PastPaymentsRecorded"},
            "shipping": {"PastShipmentsRecorded"},
        }
        assert await _heads(it) == dict(found.facts)
        assert it.provider.asked == []
        assert it.money() == {"held": 0, "kept": 0}


async def test_a_second_import_records_nothing(ground: Ground, folder: Path) -> None:
    async with shop(ground) as it:
        first = await recorded(it, folder)
        before = await _heads(it)

        second = await recorded(it, folder)

        assert await _heads(it) == before
        assert (second.facts, second.sums) == (first.facts, first.sums)
        assert second.known == first.facts
        assert first.known.total() == 0


@pytest.mark.parametrize("after", [1, 27, 28, 30, 33, 41, 55])
async def test_a_killed_import_is_run_again_and_doubles_nothing(
    memory_ground: Ground, folder: Path, after: int
) -> None:
    async with shop(memory_ground) as it:
        await killed(it, folder, after)
        found = await recorded(it, folder)
        await it.mesh.rest()

        assert found.refused == []
        assert await _checked(it, folder) == []
        assert await _heads(it) == dict(found.facts)


async def test_other_files_are_turned_down_order_by_order_and_change_nothing(
    memory_ground: Ground, folder: Path
) -> None:
    async with shop(memory_ground) as it:
        await recorded(it, folder)
        before = await _heads(it)
        path = folder / "olist_order_payments_dataset.csv"
        path.write_text(path.read_text().replace("cent-short,1,debit_card", "cent-short,1,voucher"))

        found = await recorded(it, folder)

        assert [(one.domain, one.id, one.code) for one in found.refused] == [
            ("payments", "cent-short", "IdReused")
        ]
        assert await _heads(it) == before
        assert await _checked(it, folder) == ["payments", "amount of each payment"]


async def test_a_living_order_stays_alive_and_a_past_one_past(ground: Ground, folder: Path) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        await it.accepted(order("plain", line("tea")))
        await it.mesh.rest()
        lives = await _heads(it)

        found = await recorded(it, folder)

        assert [dataclasses.replace(one, message="") for one in found.refused] == [
            TurnedDown("ordering", "plain", "OrderExists", "")
        ]
        assert found.orders.total() == COUNT - 1
        for domain in ("payments", "shipping", "inventory"):
            assert not [n for n in await it.names(domain, "plain") if n.startswith("Past")]
        place = PlaceOrder(id="early", customer_id="c-7", lines=[line("tea")])
        assert await it.refused(place) == "OrderExists"
        assert await it.refused(CancelOrder(id="invoiced")) == "PastOrder"
        assert await it.refused(DispatchShipment(id="invoiced")) == "PastOrder"
        await it.accepted(DispatchShipment(id="plain"))
        await it.mesh.rest()
        assert (await it.names("ordering", "plain"))[-1] == "OrderShipped"
        assert lives["payments"] < (await _heads(it))["payments"]


async def test_the_audit_finds_what_the_files_do_not_agree_on_and_nothing_else(
    ground: Ground, folder: Path
) -> None:
    async with shop(ground) as it:
        await recorded(it, folder)
        await it.mesh.rest()

        found = await _audited(it)

        rules = [r for r in ExpectedHistory(Files(folder)).rules() if r.name in MONEY]
        wrong = sorted(f"order/{id}" for rule in rules for id in rule.orders)
        assert sorted(finding.of for finding in found.findings) == wrong
        past = found.past["BRL"]
        assert past["over"] + past["under"] == sum(rule.cents for rule in rules)
        assert (past["orders"], past["unbalanced"]) == (COUNT, len(wrong))
        assert (found.orders, found.money, found.moving) == (0, {}, 0)
        assert f"{COUNT} orders of the past, {len(wrong)} of them don't balance" in found.verdict


async def test_the_views_show_the_past(ground: Ground, folder: Path) -> None:
    async with shop(ground, views=[ORDERS, PAYMENTS, PRODUCTS, SALES, STOCK]) as it:
        found = await recorded(it, folder)
        await it.mesh.rest()

        counts = (await it.mesh.query("orders", "counts"))["rows"]
        assert {row["state"]: row["count"] for row in counts} == found.orders
        assert {row["origin"] for row in counts} == {"history"}
        totals = (await it.mesh.query("payments", "totals"))["rows"]
        assert sum(row["settled"] for row in totals) == found.sums["paid"]
        assert sum(row["count"] for row in totals) == found.sums["payments"]
        row = await it.mesh.query("orders", "get", "no-carrier")
        assert (row["origin"], row["parcels"][0]["dispatched_at"]) == ("history", None)
        months = (await it.mesh.query("sales", "by_month"))["rows"]
        assert [month["month"] for month in months] == ["2017-10"]
        assert (await it.mesh.query("products", "get", "tea"))["listed"] is False
        assert (await it.mesh.query("stock", "list"))["rows"] == []
