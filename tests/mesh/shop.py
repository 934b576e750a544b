"""The whole shop as a mesh, and the words in which its tests are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from bus.decider import Domain
from bus.envelope import Recorded
from bus.messages import Event, Money
from bus.testing.ground import Ground
from bus.testing.mesh import Mesh
from bus.view import View
from domains.catalog.domain import DOMAIN as CATALOG
from domains.inventory.domain import DOMAIN as INVENTORY
from domains.inventory.messages import ReceiveStock
from domains.ordering.domain import DOMAIN as ORDERING
from domains.ordering.messages import Line, Payment, PlaceOrder
from domains.payments.answers import AskProvider
from domains.payments.domain import DOMAIN as PAYMENTS
from domains.payments.memory_provider import MemoryProvider
from domains.reconciliation.domain import DOMAIN as RECONCILIATION
from domains.shipping.domain import DOMAIN as SHIPPING

DOMAINS = (CATALOG, ORDERING, INVENTORY, PAYMENTS, SHIPPING, RECONCILIATION)


class Shop:
    """A running mesh of the five domains with a provider that the test owns."""

    def __init__(self, mesh: Mesh, provider: MemoryProvider) -> None:
        self.mesh = mesh
        self.provider = provider

    async def stock(self, **units: int) -> None:
        for sku, quantity in units.items():
            await self.accepted(ReceiveStock(id=sku, quantity=quantity))
        await self.mesh.rest()

    async def accepted(self, command: Any, **more: Any) -> dict[str, Any]:
        answer = await self.mesh.send(command, **more)
        assert answer["status"] == "accepted", answer
        return answer

    async def refused(self, command: Any) -> str:
        answer = await self.mesh.send(command)
        assert answer["status"] == "refused", answer
        return str(answer["code"])

    async def names(self, domain: str, id: str) -> list[str]:
        return [event.type for event in await self.mesh.events(domain, id)]

    async def only(self, domain: str, id: str, type: str) -> Recorded[Any]:
        (found,) = await self.all(domain, id, type)
        return found

    async def all(self, domain: str, id: str, type: str) -> Sequence[Recorded[Event]]:
        return [event for event in await self.mesh.events(domain, id) if event.type == type]

    async def stock_of(self, sku: str) -> tuple[int, int]:
        """Units on hand, and reserved of these, as inventory's events add up."""
        on_hand = reserved = 0
        for event in await self.mesh.events("inventory", sku):
            quantity = getattr(event.data, "quantity", 0)
            match event.type:
                case "StockReceived" | "UnitsReturned":
                    on_hand += quantity
                case "StockWrittenOff":
                    on_hand -= quantity
                case "StockAdjusted":
                    on_hand += event.data.on_hand  # type: ignore[attr-defined]
                    reserved += event.data.reserved  # type: ignore[attr-defined]
                case "UnitsReserved":
                    reserved += quantity
                case "UnitsReleased":
                    reserved -= quantity
                case "UnitsShipped":
                    on_hand -= quantity
                    reserved -= quantity
        return on_hand, reserved

    async def until(self, domain: str, id: str, type: str) -> None:
        """Lets time pass until `domain` has recorded an event of that type."""

        async def recorded() -> bool:
            return type in await self.names(domain, id)

        await self.mesh.until(recorded, f"{type} of {id}", passing=timedelta(seconds=1))

    async def until_asked(self, times: int) -> None:
        """Returns when the provider has been asked so often."""

        async def asked() -> bool:
            return len(self.provider.asked) >= times

        await self.mesh.until(asked, "the provider to be asked")

    def money(self) -> dict[str, int]:
        """The provider's own books: what is held, and what it has kept."""
        lines = self.provider.report()
        held = sum(line.authorised - line.captured - line.voided for line in lines)
        kept = sum(line.captured + line.settled - line.refunded for line in lines)
        return {"held": held, "kept": kept}


@asynccontextmanager
async def shop(
    ground: Ground,
    *,
    views: Sequence[View] = (),
    processes: int = 1,
    domains: Sequence[Domain] = DOMAINS,
) -> AsyncIterator[Shop]:
    provider = MemoryProvider()
    outside = {"payments": AskProvider(provider)}
    mesh = Mesh(ground, domains, views=views, outside=outside, processes=processes)
    provider.books.clock = mesh.clock
    async with mesh:
        yield Shop(mesh, provider)


def euro(cents: int) -> Money:
    return Money(cents, "EUR")


def line(sku: str, quantity: int = 1, cents: int = 1000, seller: str = "s-1") -> Line:
    """A line at an agreed price, with a freight of 100 cents."""
    return Line(sku=sku, quantity=quantity, price=euro(cents), freight=euro(100), seller_id=seller)


def order(id: str, *lines: Line, payments: list[Payment] | None = None) -> PlaceOrder:
    return PlaceOrder(id=id, customer_id="c-7", lines=list(lines), payments=payments)


def card(cents: int, token: str = "") -> Payment:
    return Payment(type="credit_card", amount=euro(cents), token=token)


def boleto(cents: int) -> Payment:
    return Payment(type="boleto", amount=euro(cents))


def voucher(cents: int) -> Payment:
    return Payment(type="voucher", amount=euro(cents))
