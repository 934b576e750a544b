"""A real process dies of SIGKILL where it was set down; the same command does the rest.

All named points, under the load of real orders, are the campaign's `points-before` and
`points-after`: `python -m scripts.chaos FOLDER`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from bus.broker.nats import NatsBroker
from bus.broker.port import BrokerUnavailable, NoResponders
from bus.store.postgres import PostgresStore
from bus.testing.ground import RealGround, Servers
from bus.variables import CHECKOUT
from scripts.chaos.deaths import Death, Note

MODULE = "domains.catalog.app"
SUBJECT = "cmd.catalog.ListProduct.tea"
BODY = b'{"name":"Tea","price":{"amount":450,"currency":"EUR"}}'
HEADERS = {"Nats-Msg-Id": "list-tea"}
PATIENCE = 60.0


class Case(NamedTuple):
    """What store and stream hold after the death, and whether the answer is that of a repeat;
    None where the process may have lived long enough to give it."""

    death: Death
    recorded: int
    published: int
    replayed: bool | None


CASES = (
    Case(Death("store.write", "before", 1), recorded=0, published=0, replayed=False),
    Case(Death("store.write", "after", 1), recorded=1, published=0, replayed=True),
    Case(Death("broker.publish_run", "after", 1), recorded=1, published=1, replayed=None),
)


@pytest.mark.parametrize("case", CASES)
async def test_a_process_dies_at_its_point_and_a_repeat_finds_or_does_what_is_missing(
    real_ground: RealGround, servers: Servers, tmp_path: Path, case: Case
) -> None:
    url = await servers.postgres.database(tmp_path.name)
    async with connected(real_ground, url) as (broker, store):
        environment = {
            "NATS_URL": real_ground.nats.url,
            "TRUEUP_CATALOG_DATABASE_URL": url,
            "TRUEUP_HOME": str(tmp_path),
        }
        note = Note(tmp_path, MODULE)
        note.set_down(case.death)
        async with process(environment) as doomed:
            asking = asyncio.create_task(answer(broker))
            assert await asyncio.wait_for(doomed.wait(), PATIENCE) == -signal.SIGKILL
        assert note.signed
        assert (await store.head()).position == case.recorded
        assert (await broker.stream_state("catalog")).last == case.published
        async with process(environment):
            said = await asyncio.wait_for(asking, PATIENCE)
        assert (said["status"], said["position"]) == ("accepted", 1)
        assert case.replayed in (None, said["replayed"])
        assert (await store.head()).position == 1


@asynccontextmanager
async def connected(
    ground: RealGround, url: str
) -> AsyncIterator[tuple[NatsBroker, PostgresStore]]:
    await ground.open()
    broker, store = NatsBroker(ground.nats.url), PostgresStore(url)
    await broker.open()
    await store.open()
    try:
        yield broker, store
    finally:
        await store.close()
        await broker.close()
        await ground.close()


@asynccontextmanager
async def process(environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.chaos.through", MODULE),
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], **environment},
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def answer(broker: NatsBroker) -> dict[str, Any]:
    """The answer to the same command again and again, as soon as somebody gives one."""
    while True:
        try:
            reply = await broker.request(SUBJECT, BODY, HEADERS, timeout=1)
            return dict(msgspec.json.decode(reply.body))
        except (NoResponders, BrokerUnavailable):
            await asyncio.sleep(0.05)  # nothing tells when a service begins to listen
