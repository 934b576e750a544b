"""The live import: the real orders played through the living services.

It keeps nothing. What has been done is read from the streams, and every command has an id of
its own, under which it counts once. So it can be killed at any moment and started again.

Products are listed first. Then the orders that were unavailable are placed, while there is no
stock of anything; then exactly the stock is received that the other orders need, and they are
played in the order in which they were placed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bus.broker.port import Broker
from bus.clock import Clock
from bus.contract import Contract
from bus.messages import Command
from domains.ordering.messages import CONTRACT as ORDERING
from domains.shipping.messages import CONTRACT as SHIPPING
from scripts.olist import streams
from scripts.olist.course import command_id
from scripts.olist.files import Files
from scripts.olist.flights import WINDOW, Flights, Landed
from scripts.olist.mapping import journey, listing, needs_stock, receiving
from scripts.olist.report import Report
from scripts.sender import AT_ONCE, Sender

WHERE = (
    "It seems that an import of other files was played here. Give each a shop of its own, in "
    "another TRUEUP_HOME."
)
UNAVAILABLE = "order_status = 'unavailable'"


class OtherImport(Exception):
    """The mesh holds an import of other files, which these would get mixed with."""


class Importer:
    """Plays the orders of `files` through the services behind `broker`, which is open."""

    def __init__(
        self, files: Files, broker: Broker, clock: Clock, report: Report, window: int = WINDOW
    ) -> None:
        self._files = files
        self._broker = broker
        self._clock = clock
        self._report = report
        self._sender = Sender(broker, clock)
        self._flights = Flights(self._sender, report, window)

    async def run(self) -> Landed:
        """Returns when every order has ended: how, and what was refused.

        Raises FilesError, OtherImport and MeshSilent before anything is sent; later the last
        two in an ExceptionGroup.
        """
        needs = await self._needs()
        await streams.answering(self._broker, self._clock)
        received = await self._received(needs)
        async with asyncio.TaskGroup() as group:
            followers = [await self._follow(group, each) for each in (ORDERING, SHIPPING)]
            await self._list_products()
            await self._play("unavailable orders", UNAVAILABLE)
            await self._receive_stock({sku: needs[sku] for sku in needs if sku not in received})
            await self._play("orders", f"not ({UNAVAILABLE})")
            for follower in followers:
                follower.cancel()
        self._report.finish()
        return self._flights.landed

    async def _needs(self) -> Counter[str]:
        """Units of each product that the orders need; looks at every row before any is sent."""
        needs: Counter[str] = Counter()
        self._report.begin("reading the files", self._files.count("orders"))
        for number, order in enumerate(self._files.orders()):
            way = journey(order)
            if needs_stock(way.end):
                needs.update({line.sku: line.quantity for line in way.place.lines})
            self._report.advance()
            if number % 512 == 0:
                await asyncio.sleep(0)
        return needs

    async def _follow(self, group: asyncio.TaskGroup, contract: Contract) -> asyncio.Task[None]:
        """Hears a stream from its first event on; returns when it has heard all there is."""
        caught_up = asyncio.Event()
        following = streams.follow(self._broker, contract, self._flights.hear, caught_up)
        task = group.create_task(following)
        await caught_up.wait()
        return task

    async def _list_products(self) -> None:
        known = await streams.listed(self._broker)
        commands = [listing(product) for product in self._files.products()]
        todo = [command for command in commands if command.id not in known]
        await self._send_all("products", "catalog", todo, "list")

    async def _received(self, needs: Mapping[str, int]) -> Mapping[str, int]:
        """What an import has received here before: of these files, or none of these may start."""
        received = await streams.received(self._broker, len(needs))
        for sku, quantity in received.items():
            wanted = receiving(sku, needs.get(sku, 0))
            if wanted is None or wanted.quantity != quantity:
                raise OtherImport(f"{quantity} units of {sku} were received here before. {WHERE}")
        return received

    async def _receive_stock(self, needs: Mapping[str, int]) -> None:
        commands = [receiving(sku, needs[sku]) for sku in sorted(needs)]
        todo = [command for command in commands if command is not None]
        await self._send_all("stock", "inventory", todo, "receive")

    async def _play(self, title: str, where: str) -> None:
        self._report.begin(title, self._files.count(f"orders where {where}"))
        await self._flights.play(journey(order) for order in self._files.orders(where))

    async def _send_all(
        self, title: str, domain: str, commands: Sequence[Command], step: str
    ) -> None:
        self._report.begin(title, len(commands))
        todo = iter(commands)
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._send_each(domain, todo, step))

    async def _send_each(self, domain: str, todo: Iterator[Command], step: str) -> None:
        for command in todo:
            answer = await self._sender.send(domain, command, command_id(command, step))
            if answer.status != "accepted":
                raise OtherImport(
                    f"{domain} turned {command.id} down: {answer.code}, {answer.message}. {WHERE}"
                )
            self._report.advance()
