"""The import of history: what was, told to each domain as one fact an order.

Nobody acts on it and nobody is charged. Every command has an id of its own, under which it counts
once, and what is there already is not recorded again: so it can be killed at any moment and run
again. Ordering is told first: where it knows the id by a living order, the others hear nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from bus.broker.port import Broker
from bus.clock import Clock
from bus.messages import Command
from domains.catalog.messages import RecordPastProduct
from scripts.olist import streams
from scripts.olist.course import command_id
from scripts.olist.files import Files
from scripts.olist.flights import WINDOW
from scripts.olist.past import Facts, facts, product
from scripts.olist.remembered import Remembered
from scripts.olist.report import Report
from scripts.sender import Sender

T = TypeVar("T")
NAME = "past"
"""What the commands' ids end in: no command of the live import has the same."""


class Recorder:
    """Tells what `files` say to the services behind `broker`, which is open."""

    def __init__(
        self, files: Files, broker: Broker, clock: Clock, report: Report, window: int = WINDOW
    ) -> None:
        self._files = files
        self._broker = broker
        self._clock = clock
        self._report = report
        self._window = window
        self._sender = Sender(broker, clock)
        self._remembered = Remembered()

    async def run(self) -> Remembered:
        """Returns when everything has been told: what is remembered, and what was turned down.

        Raises FilesError and MeshSilent before anything is sent; later the latter in an
        ExceptionGroup.
        """
        await self._look_through()
        await streams.answering(self._broker, self._clock)
        products = map(product, self._files.past_products())
        await self._all("products", self._files.count("product_of_all"), products, self._product)
        orders = map(facts, self._files.orders())
        await self._all("orders of the past", self._files.count("orders"), orders, self._order)
        self._report.finish()
        return self._remembered

    async def _look_through(self) -> None:
        """Every row, before any is sent."""
        self._report.begin("reading the files", self._files.count("orders"))
        for number, order in enumerate(self._files.orders()):
            facts(order)
            self._report.advance()
            if number % 512 == 0:
                await asyncio.sleep(0)

    async def _all(
        self, title: str, total: int, todo: Iterator[T], tell: Callable[[T], Awaitable[None]]
    ) -> None:
        self._report.begin(title, total)

        async def each() -> None:
            for one in todo:
                await tell(one)
                self._report.advance()

        async with asyncio.TaskGroup() as group:
            for _ in range(self._window):
                group.create_task(each())

    async def _product(self, command: RecordPastProduct) -> None:
        await self._tell("catalog", command)

    async def _order(self, told: Facts) -> None:
        if await self._tell("ordering", told.order):
            self._remembered.note(told)
            await asyncio.gather(*(self._tell(*other) for other in told.others()))

    async def _tell(self, domain: str, command: Command) -> bool:
        answer = await self._sender.send(domain, command, command_id(command, NAME))
        self._remembered.answered(domain, command.id, answer)
        return answer.status == "accepted"
