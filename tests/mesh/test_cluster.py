"""The shop on three NATS servers with streams of three replicas: any one of them may be lost."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from bus import subjects
from bus.broker.port import BrokerUnavailable, NoResponders
from bus.embedded import NatsServer
from bus.testing.ground import ClusterGround
from projections import orders, stock
from tests.mesh.patience import PATIENCE, all_is_well, placed, submitted
from tests.mesh.shop import Shop, shop

ORDERS = 24


def customers(it: Shop, numbers: Iterable[int]) -> list[asyncio.Task[None]]:
    """Every third leaves the order with the broker; the others wait for an answer."""
    return [asyncio.create_task((placed if n % 3 else submitted)(it, f"o-{n}")) for n in numbers]


async def test_any_server_may_be_lost_under_orders(cluster_ground: ClusterGround) -> None:
    async with shop(cluster_ground, processes=2, views=[orders.VIEW, stock.VIEW]) as it:
        await it.stock(tea=ORDERS)
        ordering = customers(it, range(3))
        for number, server in enumerate(cluster_ground.nats.servers, 1):
            server.kill()
            more = range(7 * (number - 1) + 3, 7 * number + 3)
            ordering += customers(it, more)
            await asyncio.gather(*ordering)
            for n in more:  # the streams go on with two of three
                await it.until("ordering", f"o-{n}", "OrderConfirmed")
            await cluster_ground.nats.start()
        await all_is_well(it, ORDERS)


async def test_streams_may_change_their_leader_under_orders(
    cluster_ground: ClusterGround,
) -> None:
    async with shop(cluster_ground, processes=2, views=[orders.VIEW, stock.VIEW]) as it:
        await it.stock(tea=ORDERS)
        ordering = customers(it, range(ORDERS))
        elections = 0
        while not all(customer.done() for customer in ordering) or not elections:
            for stream in streams(it):
                elections += await stepped_down(it, stream)
        await asyncio.gather(*ordering)
        await all_is_well(it, ORDERS)


async def test_a_server_that_lost_its_disk_gets_everything_again(
    cluster_ground: ClusterGround,
) -> None:
    async with shop(cluster_ground, processes=2, views=[orders.VIEW, stock.VIEW]) as it:
        await it.stock(tea=ORDERS)
        await asyncio.gather(*customers(it, range(8)))
        server = cluster_ground.nats.servers[0]
        server.kill()
        shutil.rmtree(server.folder / "jetstream")
        ordering = customers(it, range(8, 16))
        await cluster_ground.nats.start()
        ordering += customers(it, range(16, ORDERS))
        await asyncio.gather(*ordering)
        for stream in streams(it):
            await leads(it, server, stream)
        await all_is_well(it, ORDERS)
        assert [await leader(it, stream) for stream in streams(it)] == [
            server.server_name for _ in streams(it)
        ]


def streams(it: Shop) -> list[str]:
    return [*(name.upper() for name in it.mesh.domains), subjects.SUBMISSIONS]


async def leads(it: Shop, server: NatsServer, stream: str) -> None:
    """Returns when `server` has all of the stream, and leads it: so it answers for it."""
    preferred = {"placement": {"preferred": server.server_name}}

    async def leading() -> bool:
        found = (await api(it, f"STREAM.INFO.{stream}")).get("cluster", {})
        if found.get("leader") == server.server_name:
            return True
        if any(r["name"] == server.server_name and r["current"] for r in found.get("replicas", ())):
            await stepped_down(it, stream, preferred)
        return False

    await it.mesh.until(leading, f"{server.server_name} to lead {stream}")


async def leader(it: Shop, stream: str) -> str:
    return str((await api(it, f"STREAM.INFO.{stream}"))["cluster"]["leader"])


async def stepped_down(it: Shop, stream: str, to: Mapping[str, Any] | None = None) -> bool:
    """Whether the stream's leader has given way to another."""
    return bool((await api(it, f"STREAM.LEADER.STEPDOWN.{stream}", to)).get("success"))


async def api(it: Shop, verb: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """What JetStream answers; nothing while it has no leader."""
    question = msgspec.json.encode(body) if body else b""
    try:
        reply = await it.mesh.request(f"$JS.API.{verb}", question, timeout=PATIENCE)
    except (BrokerUnavailable, NoResponders):
        return {}
    return dict(msgspec.json.decode(reply.body))
