"""Careful customers: they repeat what was not answered, and keep a ledger of what was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from bus.broker.port import BrokerUnavailable, NoResponders, Request
from bus.messages import Command
from bus.testing.ground import MemoryGround
from domains.inventory.messages import ReceiveStock
from domains.ordering.messages import PlaceOrder
from tests.mesh.shop import Shop
from tests.simulation.mortal import Mortal


class Customers:
    """`placed`, `received` and `accepted` as in `books.Ledger`; `refused` are the subjects on
    which they have heard that a stored command was refused."""

    def __init__(self, it: Shop, ground: MemoryGround, mortal: Mortal) -> None:
        self.it = it
        self.ground = ground
        self.mortal = mortal
        self.placed: list[PlaceOrder] = []
        self.received: dict[str, int] = {}
        self.accepted: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self._sent: list[tuple[Command, str]] = []
        self._submitted: list[tuple[str, str, str]] = []

    async def ask_again(self) -> None:
        """Whoever sends a command again gets the answer that he had. Raises AssertionError."""
        for command, id in self._sent:
            again = await self._sends(command, id)
            assert again["replayed"], id
            assert {**again, "replayed": False} == {**self.accepted[id], "replayed": False}

    async def asks(self, question: str) -> dict[str, Any]:
        answer = {"status": "unavailable"}
        while answer["status"] == "unavailable":
            answer = await self._answer(f"qry.{question}", b"", {})
        assert answer["status"] == "ok", answer
        return answer

    async def rest(self) -> None:
        """Dead or alive before, the mortal process works again, and nothing is left to do."""
        await self.it.mesh.until(self._submissions_done, "what was submitted")
        await self.it.mesh.rest()
        await self.mortal.up()
        await self.it.mesh.rest()

    async def _submissions_done(self) -> bool:
        for domain, id, outcome in self._submitted:
            if outcome not in self.refused and outcome not in await self.it.names(domain, id):
                return False
        return True

    def hear(self, refusal: Request) -> None:
        self.refused.add(refusal.subject)

    def receiving(self, sku: str, quantity: int) -> ReceiveStock:
        self.received[sku] = quantity
        return ReceiveStock(id=sku, quantity=quantity)

    async def place(self, command: PlaceOrder) -> None:
        self.placed.append(command)
        await self.all(command)

    async def all(self, *commands: Command) -> None:
        await asyncio.gather(*map(self._send, commands))

    async def _send(self, command: Command) -> None:
        self._sent.append((command, f"command-{len(self._sent)}"))
        _, id = self._sent[-1]
        answer = await self._sends(command, id)
        assert answer["status"] == "accepted", answer
        self.accepted[id] = answer

    async def _sends(self, command: Command, id: str) -> dict[str, Any]:
        answer = {"status": "unavailable"}
        while answer["status"] == "unavailable":
            answer = await self._answer(*self._said("cmd", command), {"Nats-Msg-Id": id})
        return answer

    async def submit(self, command: Command, event: str = "") -> None:
        """Has it stored, by the broker and so under no id, whoever is dead. It leads to that
        event, or else will be refused."""
        subject, body = self._said("submit", command)
        await self.it.mesh.request(subject, body)
        domain = subject.split(".")[1]
        self._submitted.append((domain, command.id, event or subject.replace("submit", "refused")))

    def _said(self, way: str, command: Command) -> tuple[str, bytes]:
        owner = next(
            domain.name
            for domain in self.it.mesh.domains.values()
            if type(command) in domain.contract.command_aggregates
        )
        fields = msgspec.to_builtins(command)
        body = {field: value for field, value in fields.items() if field not in ("id", "type")}
        subject = f"{way}.{owner}.{type(command).__name__}.{command.id}"
        return subject, msgspec.json.encode(body)

    async def _answer(self, subject: str, body: bytes, headers: Mapping[str, str]) -> Any:
        """Asks until there is an answer."""
        while True:
            await self.mortal.up()
            deaths = self.mortal.deaths
            request = self.it.mesh.broker.request(subject, body, headers, timeout=60)
            asking = asyncio.create_task(request)
            while not asking.done() and self.mortal.deaths == deaths:
                await self.ground.breathe()
            if not asking.done():
                asking.cancel()  # whoever had it may be dead
                continue
            try:
                return msgspec.json.decode(asking.result().body)
            except (BrokerUnavailable, NoResponders):
                await self.ground.breathe()
