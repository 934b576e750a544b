"""The audit beside a running shop: it balances, and what goes wrong is told once it is certain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

from bus.broker.port import Outgoing
from bus.clock import uuid7
from bus.store.port import Head, Store, StoredEvent, StoreUnavailable
from bus.tasks import end
from bus.testing.ground import Ground
from domains.ordering.messages import CancelOrder
from domains.shipping.messages import DeliverShipment, DispatchShipment
from scripts.audit.auditing import Auditing
from scripts.audit.report import Report, report
from tests.mesh.shop import Shop, card, line, order, shop, voucher

GRACE = timedelta(seconds=30)
MOMENT = timedelta(seconds=1)


def auditing(it: Shop) -> Auditing:
    return Auditing(it.mesh.broker, it.mesh.stores, it.mesh.clock, GRACE)


async def audited(it: Shop) -> Report:
    """Once, over all that is there."""
    audit = auditing(it)
    task = asyncio.create_task(audit.catch_up(lambda done, total: None))

    async def ended() -> bool:
        return task.done()

    await it.mesh.until(ended, "the audit", passing=MOMENT)
    await task
    return report(audit)


@asynccontextmanager
async def followed(it: Shop, audit: Auditing | None = None) -> AsyncIterator[set[str]]:
    """The rules that do not hold, as an audit beside the shop sees them."""
    audit = audit or auditing(it)
    rules: set[str] = set()

    def look() -> None:
        rules.clear()
        rules.update(finding.rule for finding in audit.findings())

    task = asyncio.create_task(audit.follow(look))
    try:
        yield rules
    finally:
        await end([task])


async def until(it: Shop, rules: set[str], expected: set[str]) -> None:
    async def seen() -> bool:
        return rules == expected

    await it.mesh.until(seen, f"{expected} and not {rules}", passing=MOMENT)


async def some_orders(it: Shop) -> None:
    await it.stock(tea=9, cup=9)
    both = [line("tea", 2), line("cup", seller="s-2")]
    await it.accepted(order("sent", *both, payments=[voucher(500), card(2700)]))
    await it.accepted(order("gone", line("cup")))
    await it.accepted(order("open", line("tea")))
    await it.accepted(order("none", line("pot")))
    await it.mesh.rest()
    await it.accepted(DispatchShipment(id="sent", parcel=1))
    await it.accepted(DispatchShipment(id="sent", parcel=2))
    await it.accepted(DeliverShipment(id="sent", parcel=1))
    await it.accepted(CancelOrder(id="gone"))
    await it.mesh.rest()


async def test_a_shop_at_rest_balances(ground: Ground) -> None:
    async with shop(ground) as it:
        await some_orders(it)
        found = await audited(it)
        heads = {domain: (await store.head()).position for domain, store in it.mesh.stores.items()}
    assert found.findings == []
    assert (found.events, found.proved) == (heads, heads)
    assert (found.orders, found.skus, found.moving) == (4, 2, 0)
    assert found.units == {
        "received": 18,
        "returned": 0,
        "written_off": 0,
        "shipped": 3,
        "on_hand": 15,
        "reserved": 1,
        "left": 3,
    }
    money = found.money["EUR"]
    assert (money["ordered"], money["left"], money["to_leave"]) == (6500, 3200, 1100)
    assert (money["kept"], money["held"], money["voided"]) == (3200, 1100, 1100)


async def test_what_was_altered_in_a_store_afterwards_is_found(ground: Ground) -> None:
    async with shop(ground) as it:
        await some_orders(it)
        rows = Rows(it.mesh.stores["inventory"])
        stores = it.mesh.stores | {"inventory": cast(Store, rows)}
        audit = Auditing(it.mesh.broker, stores, it.mesh.clock, GRACE)
        async with followed(it, audit) as rules:
            await until(it, rules, set())
            rows.altered = 3
            await until(it, rules, {"a store holds what it has published"})
            rows.altered = 0
            await until(it, rules, set())
            rows.altered = 1
            await audit.compare()
            found = [each.of for each in audit.findings()]
    assert found == ["inventory"]


class Rows:
    """A store with other bytes in the row `altered`."""

    def __init__(self, store: Store) -> None:
        self.altered = 0
        self.head = store.head
        self._read = store.read

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        rows = await self._read(after, limit)
        return [row._replace(body=b"{}") if row.position == self.altered else row for row in rows]


async def test_a_service_that_stands_still_is_told_of_after_the_grace_time(ground: Ground) -> None:
    async with shop(ground) as it, followed(it) as rules:
        await some_orders(it)
        (inventory,) = [p for p in it.mesh.processes if p.domain.name == "inventory"]
        await it.mesh.kill(inventory)
        await it.accepted(DispatchShipment(id="open"))
        await it.until("payments", "open", "PaymentCaptured")
        assert rules == set()
        await until(it, rules, {"what left was taken", "what is still to leave is kept"})
        await it.mesh.start_process(inventory.domain)
        await until(it, rules, set())


async def test_an_audit_beside_the_shop_looks_only_once_it_has_read_what_all_stores_hold(
    ground: Ground,
) -> None:
    async with shop(ground) as it:
        await some_orders(it)
        held = sum([(await store.head()).position for store in it.mesh.stores.values()])
        silent = Silent(it.mesh.stores["payments"])
        stores = it.mesh.stores | {"payments": cast(Store, silent)}
        audit = Auditing(it.mesh.broker, stores, it.mesh.clock, GRACE)
        looks: list[int] = []
        task = asyncio.create_task(audit.follow(lambda: looks.append(audit.books.events)))

        async def asked() -> bool:
            return silent.asked > 3

        async def looked() -> bool:
            return bool(looks)

        try:
            await it.mesh.until(asked, "the store to be asked", passing=MOMENT)
            assert looks == []
            silent.back = True
            await it.mesh.until(looked, "a look", passing=MOMENT)
        finally:
            await end([task])
        assert looks[0] == held


class Silent:
    """A store that can't be reached until it is `back`."""

    def __init__(self, store: Store) -> None:
        self.asked = 0
        self.back = False
        self._store = store

    async def head(self) -> Head:
        self.asked += 1
        if not self.back:
            raise StoreUnavailable("not now")
        return await self._store.head()


async def test_what_was_written_around_the_relay_is_not_what_the_store_holds(
    ground: Ground,
) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        last = (await it.mesh.stores["inventory"].head()).position
        for process in list(it.mesh.processes):
            await it.mesh.kill(process)
        forged = Outgoing("evt.inventory.stock.tea.StockReceived", uuid7().encode())
        await it.mesh.broker.publish_run("inventory", last, [forged])
        async with followed(it) as rules:
            await until(
                it, rules, {"stream and store hold the same bytes", "every event can be read"}
            )
