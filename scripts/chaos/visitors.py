"""Visitors beside the orders: so that everybody is asked something, as long as they come.

They repeat under the same id what was not answered. What they have done fits into the books.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from bus.subjects import command
from bus.tasks import end
from scripts.chaos.lookout import Lookout
from scripts.chaos.mesh import Broken
from scripts.chaos.until import LOOK

LISTING = b'{"name":"Probe","price":{"amount":1,"currency":"EUR"}}'
NONSENSE = (
    ("catalog", "DelistProduct", b"{}"),
    ("ordering", "CancelOrder", b"{}"),
    ("inventory", "WriteOffStock", b'{"quantity":1}'),
    ("shipping", "DispatchShipment", b"{}"),
)
"""What is refused of an id that nobody knows."""
QUESTIONS = (
    "orders.recent",
    "payments.list",
    "products.list",
    "sales.by_month",
    "stock.list",
)
LONGEST = 3.0
"""Seconds until an answer counts as lost; shipping takes two to say that it is not up to date."""
_numbers = itertools.count(1)


class Visitors:
    def __init__(self, lookout: Lookout) -> None:
        self._lookout = lookout
        self._leaving = False

    @asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        """At the end each is still given what he came for. Raises Broken where he is not."""
        visits = (self._lists(), *(self._errs(*each) for each in NONSENSE), self._asks())
        tasks = [asyncio.create_task(visit) for visit in visits]
        try:
            yield
            self._leaving = True
            await asyncio.gather(*tasks)
        finally:
            await end(tasks)

    async def _lists(self) -> None:
        """Offers a product, at once or by way of a stored command; each is listed once."""
        while not self._leaving:
            id = f"probe-{next(_numbers)}"
            # The id that the proof knows such a command by.
            headers = {"Nats-Msg-Id": f"olist-{id}-list"}
            subject = command("catalog", "ListProduct", id)
            await self._submit(subject, LISTING, headers)
            answer = await self._answer(subject, LISTING, headers)
            if b'"accepted"' not in answer:
                raise Broken(f"{id} can't be listed: {answer.decode()}")

    async def _errs(self, domain: str, name: str, body: bytes) -> None:
        while not self._leaving:
            id = f"nobody-{next(_numbers)}"
            subject = command(domain, name, id)
            await self._submit(subject, body, {})
            answer = await self._answer(subject, body, {"Nats-Msg-Id": id})
            if b'"refused"' not in answer:
                raise Broken(f"{subject} was not refused: {answer.decode()}")

    async def _asks(self) -> None:
        for question in itertools.cycle(QUESTIONS):
            if self._leaving:
                return
            await self._answer(f"qry.{question}", b"", {})

    async def _submit(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        await self._answer(subject.replace("cmd", "submit", 1), body, headers)

    async def _answer(self, subject: str, body: bytes, headers: dict[str, str]) -> bytes:
        while True:
            answer = await self._lookout.ask(subject, body, headers, timeout=LONGEST)
            if answer and msgspec.json.decode(answer).get("status") != "unavailable":
                return answer
            await asyncio.sleep(LOOK)
