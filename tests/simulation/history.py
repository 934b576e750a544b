"""A random history of a shop in trouble: customers, carriers, crashes and faults, by seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from bus.broker.port import BrokerUnavailable, NoResponders
from bus.messages import Command
from bus.process import DomainProcess
from bus.testing.ground import MemoryGround
from domains.inventory.messages import ReceiveReturn, ReceiveStock, ReturnedPart
from domains.ordering.messages import (
    CancelOrder,
    Payment,
    PlaceOrder,
    RequestReturn,
    ReturnLine,
)
from domains.shipping.messages import (
    DeliverShipment,
    DispatchShipment,
    FailDelivery,
    LoseShipment,
)
from tests.mesh.shop import Shop, euro, line

SKUS = ("tea", "cup", "pot")
SELLERS = ("s-1", "s-2")
TOKENS = ("", "", "", "", "tok_lost", "tok_decline", "tok_capture_fails")


class History:
    """`accepted` holds what the shop has said yes to: command id → reply."""

    def __init__(self, shop: Shop, ground: MemoryGround, seed: int) -> None:
        self.shop = shop
        self.ground = ground
        self.random = random.Random(seed)
        self.placed: list[PlaceOrder] = []
        self.received = dict.fromkeys(SKUS, 0)
        self.accepted: dict[str, dict[str, Any]] = {}
        self._sent = 0
        for domain in shop.mesh.domains:
            ground.disks[domain].crash.fragile = True
            ground.disks[domain].crash.turns = 20

    async def live(self, steps: int) -> None:
        """Takes `steps` random steps, some of them at the same time."""
        while steps > 0:
            together = min(steps, self.random.choice((1, 1, 2, 4)))
            await asyncio.gather(*[self._step() for _ in range(together)])
            steps -= together

    async def calm(self) -> None:
        """All faults end; the shop comes to rest."""
        self.shop.provider.outage = False
        for disk in self.ground.disks.values():
            disk.unavailable = False
        for _ in range(20):  # back-offs of calls are over, all boletos decided
            await self.shop.mesh.advance(timedelta(minutes=30))

    async def _step(self) -> None:
        actions: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (3, self._receive),
            (10, self._place),
            (4, self._cancel),
            (10, self._dispatch),
            (8, self._deliver),
            (1, self._fail_delivery),
            (1, self._lose),
            (4, self._send_back),
            (5, self._take_back),
            (1, self._crash),
            (1, self._break_commit),
            (4, self._crash_database),
            (1, self._lose_stream),
            (1, self._lose_answers),
            (1, self._wait),
        ]
        weights = [weight for weight, _ in actions]
        ((_, action),) = self.random.choices(actions, weights)
        await action()

    async def _send(self, command: Command) -> None:
        """Sends it as a careful client does: under an id of its own, until it is answered."""
        self._sent += 1
        command_id = f"command-{self._sent}"
        answer = {"status": "unavailable"}
        while answer["status"] == "unavailable":
            try:
                answer = await self.shop.mesh.send(command, command_id=command_id, timeout=0.5)
            except (BrokerUnavailable, NoResponders):
                continue  # whoever had it was killed: the same command again
        assert answer["status"] in ("accepted", "refused"), answer
        if answer["status"] == "accepted":
            self.accepted[command_id] = answer

    async def _receive(self) -> None:
        sku, quantity = self.random.choice(SKUS), self.random.randint(1, 5)
        self.received[sku] += quantity
        await self._send(ReceiveStock(id=sku, quantity=quantity))

    async def _place(self) -> None:
        lines = [
            line(sku, self.random.randint(1, 3), seller=self.random.choice(SELLERS))
            for sku in self.random.sample(SKUS, self.random.randint(1, 3))
        ]
        cents = sum(one.quantity * 1000 + 100 for one in lines)
        id = f"o-{len(self.placed) + 1}"
        order = PlaceOrder(id=id, customer_id="c-7", lines=lines, payments=self._payments(cents))
        self.placed.append(order)
        await self._send(order)

    def _payments(self, cents: int) -> list[Payment]:
        first = self.random.randint(0, cents)
        return [
            Payment(
                type=self.random.choice(("credit_card", "boleto", "voucher", "debit_card")),
                amount=euro(part),
                token=self.random.choice(
                    ("", "", "", "", "tok_lost", "tok_decline", "tok_capture_fails")
                ),
            )
            for part in (first, cents - first)
        ]

    async def _cancel(self) -> None:
        if self.placed:
            await self._send(CancelOrder(id=self.random.choice(self.placed).id))

    async def _dispatch(self) -> None:
        if self.placed:
            id = self.random.choice(self.placed).id
            await self._send(DispatchShipment(id=id, parcel=self.random.choice((1, 1, 2))))

    async def _deliver(self) -> None:
        if self.placed:
            id = self.random.choice(self.placed).id
            await self._send(DeliverShipment(id=id, parcel=self.random.choice((1, 1, 2))))

    async def _fail_delivery(self) -> None:
        if self.placed:
            await self._send(FailDelivery(id=self.random.choice(self.placed).id))

    async def _lose(self) -> None:
        if self.placed:
            id = self.random.choice(self.placed).id
            await self._send(LoseShipment(id=id, parcel=self.random.choice((1, 1, 2, 3))))

    async def _send_back(self) -> None:
        if self.placed:
            order = self.random.choice(self.placed)
            number = self.random.randint(1, len(order.lines))
            wanted = self.random.randint(1, order.lines[number - 1].quantity)
            lines = [ReturnLine(line=number, quantity=wanted)]
            exchange = self.random.random() < 0.4
            await self._send(RequestReturn(id=order.id, lines=lines, exchange=exchange))

    async def _take_back(self) -> None:
        """The warehouse opens what has come back of an order, whatever it is."""
        if self.placed:
            order = self.random.choice(self.placed)
            sku = self.random.choice(order.lines).sku
            one = ReturnedPart(sku=sku, **{self.random.choice(("sellable", "scrapped")): 1})
            number = self.random.choice((1, 1, 2))
            await self._send(ReceiveReturn(id=order.id, number=number, parts=[one]))

    async def _crash(self) -> None:
        """One of a domain's two processes dies; a new one takes its place."""
        process: DomainProcess = self.random.choice(self.shop.mesh.processes)
        await self.shop.mesh.start_process(process.domain)
        if process in self.shop.mesh.processes:
            await self.shop.mesh.kill(process)

    async def _break_commit(self) -> None:
        disk = self.ground.disks[self.random.choice(list(self.shop.mesh.domains))]
        disk.fail_next(self.random.choice(("before", "after", "unreachable")))

    async def _crash_database(self) -> None:
        """What was not safe has never been; who led has to be found out anew. At any moment of
        the commands that are under way: the next turns of the loop are theirs."""
        disk = self.ground.disks[self.random.choice(list(self.shop.mesh.domains))]
        for _ in range(self.random.randrange(40)):
            await asyncio.sleep(0)
        disk.crash.happen()
        disk.leadership.end()

    async def _lose_stream(self) -> None:
        """A stream loses its tail, a message from its middle, or all of itself."""
        domain = self.random.choice(list(self.shop.mesh.domains))
        last = (await self.shop.mesh.stores[domain].head()).position
        if not last or not await self._relayed(domain, last):
            return
        match self.random.choice(("tail", "middle", "all")):
            case "tail":
                self.ground.server.truncate(domain, self.random.randint(0, last))
            case "middle":
                self.ground.server.delete_message(domain, self.random.randint(1, last))
            case _:
                self.ground.server.drop(domain)

    async def _relayed(self, domain: str, last: int) -> bool:
        return (await self.shop.mesh.broker.ensure_stream(domain)).last >= last

    async def _lose_answers(self) -> None:
        self.shop.provider.losing += self.random.randint(1, 3)

    async def _wait(self) -> None:
        await self.shop.mesh.rest()
