"""Several processes of one domain: any of them may die, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bus.broker.port import Outgoing
from bus.testing.ground import Ground, MemoryGround
from domains.inventory.domain import DOMAIN as INVENTORY
from domains.inventory.messages import ReceiveStock
from domains.ordering.messages import CancelOrder
from tests.mesh.shop import line, order, shop


async def test_another_process_leads_when_the_leader_dies(ground: Ground) -> None:
    async with shop(ground, processes=2) as it:
        await it.stock(tea=10)
        for domain in list(it.mesh.domains):
            leader = next(
                p for p in it.mesh.processes if p.domain.name == domain and p.leader.leading
            )
            await it.mesh.kill(leader)
        await it.accepted(order("o-1", line("tea")))
        await it.until("ordering", "o-1", "OrderConfirmed")
        assert it.money() == {"held": 1100, "kept": 0}


async def test_leaders_that_die_under_orders_lose_and_double_nothing(ground: Ground) -> None:
    async with shop(ground, processes=2) as it:
        await it.stock(tea=30)
        orders = [order(f"o-{n}", line("tea")) for n in range(30)]
        placing = [
            asyncio.ensure_future(it.mesh.send(one, command_id=f"place-{one.id}"))
            for one in orders[:15]
        ]
        for process in [p for p in it.mesh.processes if p.leader.leading]:
            if process.domain.name != "ordering":  # it holds the requests that are under way
                await it.mesh.kill(process)
        await asyncio.gather(*placing)
        for one in orders[15:]:
            await it.accepted(one)
        for one in orders:
            await it.until("ordering", one.id, "OrderConfirmed")
        await it.mesh.rest()
        assert await it.stock_of("tea") == (30, 30)
        assert it.money() == {"held": 30 * 1100, "kept": 0}


async def test_a_process_that_comes_late_shares_the_commands(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.mesh.start_process(INVENTORY)
        await asyncio.gather(*[it.accepted(ReceiveStock(id="tea", quantity=1)) for _ in range(100)])
        await it.mesh.rest()
        assert await it.stock_of("tea") == (100, 0)
        commits = [
            p.committer.counts["commits"] for p in it.mesh.processes if p.domain.name == "inventory"
        ]
        assert min(commits) > 0


async def test_an_unreachable_store_is_reported_and_nothing_is_lost(
    memory_ground: MemoryGround,
) -> None:
    async with shop(memory_ground) as it:
        await it.stock(tea=1)
        memory_ground.disks["ordering"].unavailable = True
        answer = await it.mesh.send(order("o-1", line("tea")))
        assert (answer["status"], answer["code"]) == ("unavailable", "StoreUnavailable")
        memory_ground.disks["ordering"].unavailable = False
        await it.accepted(order("o-1", line("tea")))
        await it.until("ordering", "o-1", "OrderConfirmed")
        await it.accepted(CancelOrder(id="o-1"))
        await it.mesh.rest()
        assert await it.stock_of("tea") == (1, 0)


async def test_a_store_behind_its_stream_is_not_written_by_reactions_either(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        (process,) = [p for p in it.mesh.processes if p.domain.name == "inventory"]
        await it.mesh.kill(process)
        store = it.mesh.stores["inventory"]
        head, place = await store.head(), await store.checkpoint("ordering")
        foreign = Outgoing("evt.inventory.stock.tea.StockReceived", b"{}")
        await it.mesh.broker.publish_run("inventory", head.position, [foreign])
        await it.accepted(order("o-1", line("tea")))
        restarted = await it.mesh.start_process(INVENTORY)

        async def stopped() -> bool:
            return "relay" in restarted.leader.problems and restarted.leader.resting

        await it.mesh.until(stopped)
        assert await store.checkpoint("ordering") == place
        assert await store.head() == head


async def test_a_store_behind_its_stream_stops_every_process(ground: Ground) -> None:
    async with shop(ground, processes=2) as it:
        await it.stock(tea=1)
        await it.mesh.rest()
        head = await it.mesh.stores["inventory"].head()
        foreign = Outgoing("evt.inventory.stock.tea.StockReceived", b"{}")
        await it.mesh.broker.publish_run("inventory", head.position, [foreign])
        both = [p for p in it.mesh.processes if p.domain.name == "inventory"]

        async def stopped() -> bool:
            return all(p.service.halted is not None for p in both)

        await it.mesh.until(stopped, passing=timedelta(seconds=1))
        assert [p.leader.leading for p in both].count(True) == 1


async def test_a_stream_that_is_ahead_of_the_store_stops_the_service(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        (process,) = [p for p in it.mesh.processes if p.domain.name == "inventory"]
        await it.mesh.kill(process)
        head = await it.mesh.stores["inventory"].head()
        foreign = Outgoing("evt.inventory.stock.tea.StockReceived", b"{}")
        await it.mesh.broker.publish_run("inventory", head.position, [foreign])
        await it.mesh.start_process(INVENTORY)
        answer = await it.mesh.send(ReceiveStock(id="tea", quantity=1))
        assert (answer["status"], answer["code"]) == ("unavailable", "Halted")
        assert "trueup repair inventory" in answer["message"]
        assert await it.mesh.stores["inventory"].head() == head
