"""A day in the shop, always the same: every way that an order can go, and a little of it by
way of stored commands. Its customers are careful: they repeat what was not answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from domains.catalog.messages import DelistProduct, ListProduct
from domains.inventory.messages import WriteOffStock
from domains.ordering.messages import CancelOrder, Line
from domains.shipping.messages import DeliverShipment, DispatchShipment
from projections import orders, payments, products, sales, stock
from tests.mesh.shop import Shop, boleto, card, euro, line, order, voucher
from tests.simulation.customers import Customers

VIEWS = (orders.VIEW, payments.VIEW, products.VIEW, sales.VIEW, stock.VIEW)
ENDS = {
    "delivered": ("delivered", None),
    "shipped": ("shipped", None),
    "cancelled": ("cancelled", "customer"),
    "refunded": ("cancelled", "customer"),
    "lost": ("shipped", None),
    "unavailable": ("cancelled", "unavailable"),
    "unpaid": ("cancelled", "expired"),
    "declined": ("cancelled", "declined"),
    "waiting": ("confirmed", None),
}
"""By order: the state in which it ends, and who has ended it."""
QUESTIONS = (
    "orders.get.delivered",
    "payments.get.refunded",
    "products.get.tea",
    "sales.by_month",
    "stock.get.tea",
)


class Day:
    def __init__(self, it: Shop, customers: Customers) -> None:
        self.it = it
        self.customers = customers

    async def live(self) -> None:
        listening = await self.it.mesh.broker.subscribe("refused.>", self.customers.hear)
        self.it.provider.boletos_wait = True
        await self._morning()
        await self._noon()
        await self._evening()
        await self.it.mesh.advance(timedelta(days=11))  # who has not paid never will
        await self.customers.rest()
        await listening.stop()

    async def ends(self) -> Mapping[str, tuple[str, str | None]]:
        """As ENDS, as the view says."""
        they = self.customers
        rows = [await they.asks(f"orders.get.{each.id}") for each in they.placed]
        return {row["id"]: (row["state"], row["cancel_cause"]) for row in rows}

    async def _morning(self) -> None:
        they = self.customers
        await they.all(
            ListProduct(id="tea", name="Tea", price=euro(450)),
            ListProduct(id="cup", name="Cup", price=euro(900)),
            *(they.receiving(sku, 9) for sku in ("tea", "cup")),
        )
        pot = ListProduct(id="pot", name="Pot", price=euro(2000))
        await they.submit(pot, "ProductListed")
        await they.submit(they.receiving("pot", 2), "StockReceived")
        await they.rest()
        parcels = [line("tea", 2, seller="s-1"), line("cup", seller="s-2")]
        await they.place(order("delivered", *parcels, payments=[voucher(500), card(2700)]))
        await they.place(order("shipped", line("tea")))
        await they.place(order("cancelled", line("tea")))
        await they.place(order("refunded", line("pot"), payments=[voucher(1100)]))
        await they.place(order("lost", line("cup"), payments=[card(1100, "tok_lost")]))
        await they.place(order("unavailable", line("pot", 3)))
        await they.place(order("unpaid", line("tea"), payments=[boleto(1100)]))
        await they.place(order("declined", line("tea"), payments=[card(1100, "tok_decline")]))
        await they.place(order("waiting", Line(sku="tea", quantity=1)))
        await they.rest()

    async def _noon(self) -> None:
        they = self.customers
        sent = (("delivered", 1), ("delivered", 2), ("shipped", 1))
        await they.all(*(DispatchShipment(id=id, parcel=parcel) for id, parcel in sent))
        await they.all(CancelOrder(id="refunded"))
        await they.submit(CancelOrder(id="cancelled"), "CancellationRequested")
        await they.submit(DispatchShipment(id="lost"), "ShipmentDispatched")
        await they.submit(DelistProduct(id="nothing"))
        await they.submit(WriteOffStock(id="pot", quantity=9))
        await they.submit(CancelOrder(id="nobody"))
        await they.rest()
        # By itself: shipping asks ordering whether it has heard all, for seconds at most.
        await they.submit(DispatchShipment(id="nobody"))
        await they.rest()

    async def _evening(self) -> None:
        they = self.customers
        await they.all(*(DeliverShipment(id="delivered", parcel=parcel) for parcel in (1, 2)))
        for question in QUESTIONS:
            await they.asks(question)
        await they.rest()
