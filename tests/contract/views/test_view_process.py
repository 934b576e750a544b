"""A view's own process: settings in, queries answered, a clean end on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from bus.broker.nats import NatsBroker
from bus.broker.port import BrokerUnavailable, NoResponders, Outgoing
from bus.testing.ground import RealGround, Servers
from domains.inventory.messages import CONTRACT, StockReceived
from tests.contract.views.scene import PATIENCE, written_of

ROOT = Path(__file__).parents[3]


async def process(name: str, environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"projections.{name}",
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stderr=asyncio.subprocess.PIPE,
    )


async def answer(broker: NatsBroker, subject: str) -> dict[str, object]:
    """The answer as soon as somebody gives one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return dict(msgspec.json.decode((await broker.request(subject)).body))
            except (NoResponders, BrokerUnavailable):
                await asyncio.sleep(0.05)  # nothing tells when a service begins to listen


@pytest.mark.parametrize("name", ["stock", "orders"])
async def test_a_process_answers_until_it_is_told_to_stop(
    real_ground: RealGround, servers: Servers, name: str
) -> None:
    await real_ground.open()
    broker = NatsBroker(real_ground.nats.url)
    await broker.open()
    await broker.ensure_stream("inventory")
    event = written_of(CONTRACT, "stock", "tea-1", StockReceived(quantity=3, note=""))
    await broker.publish_run("inventory", 0, [Outgoing(*event)])
    running = await process(
        name,
        {
            "NATS_URL": real_ground.nats.url,
            "REDIS_URL": servers.valkey.url,
            "TRUEUP_VIEWS_DATABASE_URL": await servers.postgres.database(f"process_{name}"),
        },
    )
    try:
        if name == "stock":
            found: dict[str, object] = {}
            while found.get("status") != "ok":
                found = await answer(broker, "qry.stock.get.tea-1")
            assert (found["available"], found["positions"]) == (3, {"inventory": 1})
        else:
            assert (await answer(broker, "qry.orders.recent"))["rows"] == []
        assert (await answer(broker, f"status.view-{name}"))["pid"] == running.pid
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), PATIENCE) == 0
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
        await broker.close()
        await real_ground.close()


async def test_a_process_without_its_settings_says_which() -> None:
    running = await process("orders", {"NATS_URL": "nats://127.0.0.1:1"})
    _, said = await asyncio.wait_for(running.communicate(), PATIENCE)
    assert running.returncode == 2
    assert b"TRUEUP_VIEWS_DATABASE_URL" in said
