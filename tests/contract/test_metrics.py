"""The metrics page over a real NATS: who answers, who doesn't, and while NATS itself doesn't."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.testing import CapturingLogger

from bus import status
from bus.broker.nats import NatsBroker
from bus.broker.port import Request
from bus.embedded import NatsServer
from bus.embedded.port import HOST, free_port
from bus.lag import Lag, ParkedCount
from bus.status import Status
from scripts.listening import listen
from scripts.metrics import mesh
from scripts.metrics.mesh import Mesh
from scripts.metrics.server import Server
from tests.metrics_page import read

BILLING = {"service": "billing", "kind": "domain"}
DEBTS = {"service": "view-debts", "kind": "view"}
LAG = Lag(position=5, behind=1, oldest=2.0, rate=0.5, stalled=True, parked=ParkedCount(2, 1))


class Site:
    """A page that expects a domain and a view, and a NATS that may or may not run."""

    def __init__(self, folder: Path) -> None:
        self.nats = NatsServer(folder, free_port())
        self.url = f"nats://{HOST}:{self.nats.port}"
        self.mesh = Mesh(self.url, ["billing", "view-debts"])
        listening = listen(HOST, free_port(), "")
        self._page = f"http://{HOST}:{listening.getsockname()[1]}/metrics"
        self._server = Server(self.mesh, listening)
        self._brokers: list[NatsBroker] = []

    async def open(self) -> None:
        await self._server.start()

    async def close(self) -> None:
        for broker in self._brokers:
            await broker.close()
        await self._server.stop()
        await self.nats.stop()

    async def broker(self) -> NatsBroker:
        broker = NatsBroker(self.url)
        await broker.open()
        self._brokers.append(broker)
        return broker

    async def serve(self, service: str, **said: Any) -> None:
        """A process of the service, which says so of itself."""

        async def tell() -> Status:
            return Status(service=service, host=socket.gethostname(), pid=os.getpid(), **said)

        endpoints = [status.endpoint(service, tell)]
        await (await self.broker()).serve(service, "", "1.0.0", endpoints)

    async def page(self) -> str:
        async with ClientSession() as session, session.get(self._page) as answer:
            assert answer.status == 200
            return await answer.text()

    async def until_up(self, value: float) -> str:
        async with asyncio.timeout(30):
            while read(page := await self.page(), "trueup_up") != [({}, value)]:
                continue  # asking takes time enough
        return page


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path / "nats")
    await site.open()
    yield site
    await site.close()


async def test_each_service_is_told_whether_it_answers_or_not(site: Site) -> None:
    await site.nats.start()
    await site.serve("view-debts", streams={"bills": LAG})
    page = await site.page()
    assert read(page, "trueup_service_up") == [(BILLING, 0), (DEBTS, 1)]
    assert read(page, "trueup_parked_events") == [({**DEBTS, "stream": "bills"}, 2)]
    assert read(page, "trueup_stalled") == [({**DEBTS, "stream": "bills"}, 1)]
    # The request that it was asked with came after it had said how many there were.
    assert read(page, "trueup_requests_total") == [({**DEBTS, "endpoint": "status"}, 0)]


async def test_one_that_was_not_expected_is_on_the_page_and_what_is_not_ours_is_not(
    site: Site,
) -> None:
    def senseless(request: Request) -> None:
        request.respond(b"\xff{")

    await site.nats.start()
    for service in ("billing", "loyalty", "view-debts"):
        await site.serve(service)
    other = await site.broker()
    await other.serve("others", "", "1.0.0", [])
    for subject in ("$SRV.STATS", "status.others", "log.loyalty.read"):
        await other.subscribe(subject, senseless)
    up = read(await site.page(), "trueup_service_up")
    assert [(labels["service"], value) for labels, value in up] == [
        ("billing", 1),
        ("loyalty", 1),
        ("view-debts", 1),
    ]


async def test_those_who_ask_at_once_have_the_mesh_asked_once(site: Site) -> None:
    await site.nats.start()
    for service in ("billing", "view-debts"):
        await site.serve(service)
    asked = 0

    def count(_: Request) -> None:
        nonlocal asked
        asked += 1

    await (await site.broker()).subscribe("$SRV.STATS", count)
    found = await asyncio.gather(*(site.mesh.services() for _ in range(100)))
    assert asked == 1
    assert all(one is found[0] for one in found)
    await site.mesh.services()
    assert asked == 2


async def test_without_nats_the_page_says_so_once_in_the_log_and_recovers_by_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = CapturingLogger()
    monkeypatch.setattr(mesh, "log", told)
    assert read(await site.page(), "trueup_up") == [({}, 0)]
    assert "service" not in await site.page()
    await site.nats.start()
    await site.until_up(1)
    site.nats.kill()
    await site.nats.ended()
    await site.until_up(0)
    await site.nats.start()
    await site.serve("billing")
    assert (BILLING, 1) in read(await site.until_up(1), "trueup_service_up")
    events = [line.args[0] for line in told.calls]
    assert set(events[::2]) == {"NATS does not answer"}
    assert set(events[1::2]) == {"NATS answers again"}
    assert len(events) >= 4
    assert all(line.kwargs["at"] == site.url for line in told.calls)
