"""A day in the shop, always the same: every way that an order can go, and a little of it by
way of stored commands. Its customers are careful: they repeat what was not answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from domains.catalog.messages import DelistProduct, ListProduct
from domains.inventory.messages import ReceiveReturn, ReturnedPart, WriteOffStock
from domains.ordering.messages import CancelOrder, Line, RequestReturn, ReturnLine
from domains.shipping.messages import (
    DeliverShipment,
    DispatchShipment,
    FailDelivery,
    LoseShipment,
)
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
    "returned": ("delivered", None),
    "exchanged": ("delivered", None),
    "irreplaceable": ("delivered", None),
    "kept": ("delivered", None),
    "refused": ("undelivered", None),
    "gone": ("delivered", None),
    "owing": ("delivered", None),
}
"""By order: the state in which it ends, and who has ended it."""
RETURNED = ("returned", "exchanged", "irreplaceable", "kept", "owing")
BACK = tuple((id, 1) for id in (*RETURNED, "refused", "gone"))
"""The first parcels of the orders with more to tell; of `kept` nothing is ever sent back."""
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
        await self.it.mesh.advance(timedelta(days=31))  # what has not come by now never will
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
        await self._more_orders()
        await they.rest()

    async def _more_orders(self) -> None:
        """Orders whose goods come back, get lost, or can't be paid for."""
        they = self.customers
        await they.all(they.receiving("jar", 20), they.receiving("urn", 1))
        await they.rest()
        await they.place(order("returned", line("jar", 3), payments=[card(2000), card(1100)]))
        await they.place(order("exchanged", line("jar", 2)))
        await they.place(order("irreplaceable", line("urn")))
        await they.place(order("kept", line("jar")))
        await they.place(order("refused", line("jar")))
        await they.place(order("gone", line("jar"), line("jar", 2, seller="s-2")))
        closing = [card(1000, "tok_capture_fails"), voucher(400), card(700, "tok_capture_fails")]
        await they.place(order("owing", line("jar", 2), payments=closing))

    async def _noon(self) -> None:
        they = self.customers
        sent = (("delivered", 1), ("delivered", 2), ("shipped", 1), *BACK, ("gone", 2))
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
        await self._night()

    async def _night(self) -> None:
        """Some parcels never arrive, and some of what does is sent back."""
        they = self.customers
        there = [DeliverShipment(id=id) for id, _ in BACK if id not in ("refused", "gone")]
        await they.all(*there, DeliverShipment(id="gone", parcel=2))
        await they.all(FailDelivery(id="refused"), LoseShipment(id="gone"))
        await they.rest()
        swaps = ("exchanged", "irreplaceable")
        await they.all(*(sending_back(id, exchange=id in swaps) for id in RETURNED))
        await they.rest()
        await they.all(*(coming_back(id) for id in RETURNED if id != "kept"))
        await they.rest()
        await they.all(sending_back("returned", 2))
        await they.all(DispatchShipment(id="exchanged", parcel=2))
        await they.rest()
        await they.all(coming_back("returned", 2, number=2))
        await they.all(DeliverShipment(id="exchanged", parcel=2))
        await they.rest()


def sending_back(id: str, units: int = 1, *, exchange: bool = False) -> RequestReturn:
    lines = [ReturnLine(line=1, quantity=units)]
    return RequestReturn(id=id, lines=lines, exchange=exchange)


def coming_back(id: str, units: int = 1, *, number: int = 1) -> ReceiveReturn:
    """One unit of them is broken."""
    sku = "urn" if id == "irreplaceable" else "jar"
    part = ReturnedPart(sku=sku, sellable=units - 1, scrapped=1)
    return ReceiveReturn(id=id, number=number, parts=[part], reference=f"{id}-{number}")
