"""Faults in the provider's books, of which its settlement report tells."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import aiohttp
import msgspec

from scripts.chaos.mesh import Broken, Mesh

_NOW = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"
_OF = "WHERE order_id = :id"
_MOVED = f"WHERE reference IN (SELECT reference FROM charge {_OF})"


def _to(amount: int) -> Sequence[str]:
    return (
        f"UPDATE charge SET authorised = max(authorised, {amount}), captured = {amount} {_OF}",
        f"UPDATE movement SET amount = {amount} {_MOVED}",
    )


def _besides(amount: int) -> Sequence[str]:
    return (
        f"UPDATE charge SET authorised = authorised + {amount}, captured = captured + {amount} "
        f"{_OF}",
        "INSERT INTO movement (time, reference, kind, amount) "
        f"SELECT {_NOW}, reference, 'captured', {amount} FROM charge {_OF}",
    )


FAULTS: Mapping[str, Sequence[str]] = {
    "less was taken": _to(1000),
    "more was taken": _to(1300),
    "nothing was taken": (
        f"UPDATE charge SET captured = 0 {_OF}",
        f"DELETE FROM movement {_MOVED}",
    ),
    "it was taken twice": _besides(1100),
    "something was taken besides": _besides(77),
    "it was taken under another reference, too": (
        "INSERT INTO charge (reference, order_id, payment, type, currency, settled) "
        f"SELECT 'again_' || reference, order_id, payment, type, currency, captured FROM charge "
        f"{_OF}",
        "INSERT INTO movement (time, reference, kind, amount) "
        f"SELECT {_NOW}, reference, 'captured', settled FROM charge {_OF} AND settled > 0",
    ),
}
"""What is done to the books of an order whose one card has given 1100."""


class Provider:
    """The one of a mesh."""

    def __init__(self, mesh: Mesh) -> None:
        self._url = mesh.urls["TRUEUP_PROVIDER_URL"]
        self._books = mesh.home.path / "provider.sqlite"

    def alter(self, fault: str, id: str) -> None:
        with closing(sqlite3.connect(self._books)) as books, books:
            for statement in FAULTS[fault]:
                books.execute(statement, {"id": id})

    async def outage(self, on: bool) -> None:
        await self._ask("POST", "control", json={"outage": on})

    async def charged(self, id: str) -> bool:
        """Whether it has taken anything for the order."""
        said = msgspec.json.decode(await self._ask("GET", "report", params={"order_id": id}))
        return any(line["captured"] for line in said["payments"])

    async def report(self, until: str) -> bytes:
        """Its settlement report, a CSV file."""
        return await self._ask("GET", "settlement-report", params={"until": until})

    async def _ask(self, method: str, path: str, **more: Any) -> bytes:
        async with (
            aiohttp.ClientSession(raise_for_status=True) as http,
            http.request(method, f"{self._url}/{path}", **more) as reply,
        ):
            return await reply.read()


async def settle(mesh: Mesh, provider: Provider, until: str) -> None:
    """Holds the provider's books against the shop's. Raises Broken."""
    file = mesh.home.path / "settlement.csv"
    await asyncio.to_thread(file.write_bytes, await provider.report(until))
    said = await mesh.trueup("settle", str(file), "--until", until)
    if said.code:
        raise Broken(f"trueup settle ends with {said.code}: {said.out} {said.err}")
