"""The two providers, behind one handle, so that one suite can hold both."""

from __future__ import annotations

import csv
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import msgspec

from domains.payments.http_provider import HttpProvider
from domains.payments.memory_provider import MemoryProvider
from domains.payments.provider import MovementLine, Provider, ReportLine

STARTING = 30.0
"""Seconds that the simulator may take to start on a busy machine."""


class Stage(Protocol):
    """A provider, and the hand that moves its world."""

    @property
    def provider(self) -> Provider: ...

    async def outage(self, on: bool) -> None: ...

    async def let_boletos_wait(self) -> None: ...

    async def pay(self, order_id: str) -> None: ...

    async def report(self, order_id: str) -> Sequence[ReportLine]: ...

    async def settlement(self, order_id: str) -> Sequence[MovementLine]: ...


class MemoryStage:
    def __init__(self) -> None:
        self.provider = MemoryProvider()

    async def outage(self, on: bool) -> None:
        self.provider.outage = on

    async def let_boletos_wait(self) -> None:
        self.provider.boletos_wait = True

    async def pay(self, order_id: str) -> None:
        self.provider.pay(order_id)

    async def report(self, order_id: str) -> Sequence[ReportLine]:
        return [line for line in self.provider.report() if line.order_id == order_id]

    async def settlement(self, order_id: str) -> Sequence[MovementLine]:
        return [line for line in self.provider.settlement() if line.order == order_id]


class HttpStage:
    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.provider = HttpProvider(url)
        self._url = url
        self._session = session

    async def outage(self, on: bool) -> None:
        await self.control(outage=on)

    async def let_boletos_wait(self) -> None:
        await self.control(boleto_delay_s=3600)

    async def pay(self, order_id: str) -> None:
        await self._post(f"/boletos/{order_id}/pay", {})

    async def report(self, order_id: str) -> Sequence[ReportLine]:
        return msgspec.convert((await self.books(order_id=order_id))["payments"], list[ReportLine])

    async def settlement(self, order_id: str) -> Sequence[MovementLine]:
        rows = csv.DictReader((await self.settlement_report()).splitlines())
        lines = [msgspec.convert(row, MovementLine, strict=False) for row in rows]
        return [line for line in lines if line.order == order_id]

    async def settlement_report(self, **query: str) -> str:
        """The file, as it is."""
        url = f"{self._url}/settlement-report"
        async with self._session.get(url, params=query) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/csv"
            return await response.text()

    async def control(self, **changes: Any) -> Any:
        return await self._post("/control", changes)

    async def books(self, **query: Any) -> Any:
        """The whole answer of `GET /report`."""
        async with self._session.get(f"{self._url}/report", params=query) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def _post(self, path: str, body: Any) -> Any:
        async with self._session.post(self._url + path, json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()


class Simulator:
    """The simulator's process."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.port, self.url = 0, ""

    def start(self) -> None:
        """Returns when it listens: on any free port at first, then on the same one again."""
        arguments = ["--port", str(self.port), "--database", str(self._database)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.provider", *arguments], stdout=subprocess.PIPE
        )
        output = self._process.stdout
        assert output is not None
        assert select.select([output], [], [], STARTING)[0], "the simulator doesn't start"
        self.url = output.readline().decode().split()[-1]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """As kill -9 does; harmless when it has gone."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
