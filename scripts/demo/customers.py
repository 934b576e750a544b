"""Who comes into the shop, what is on its shelf, and what is bought of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from bus.clock import Ids
from bus.messages import Money
from domains.catalog.messages import ListProduct
from domains.ordering.messages import Line, Payment, PlaceOrder

A_SECOND = 3.0
"""Orders a second, on average."""
CANCELLED, DECLINED = 0.06, 0.05
"""The shares of orders that the customer cancels, and of cards that are declined."""
PREFIX = "demo-"

SHELF = {
    sku: ListProduct(
        id=sku, name=name, price=Money(cents, "EUR"), category=category, seller_id=seller
    )
    for sku, name, category, cents, seller in (
        ("tea-1", "Darjeeling First Flush", "tea", 1450, "hill-garden"),
        ("tea-2", "Assam", "tea", 890, "hill-garden"),
        ("tea-3", "Sencha", "tea", 1190, "hill-garden"),
        ("tea-4", "Rooibos", "tea", 640, "hill-garden"),
        ("coffee-1", "Espresso Beans", "coffee", 1590, "north-roast"),
        ("coffee-2", "Filter Roast", "coffee", 1390, "north-roast"),
        ("cup-1", "Cup, Blue", "china", 1200, "potters-yard"),
        ("cup-2", "Cup, White", "china", 1100, "potters-yard"),
        ("pot-1", "Teapot", "china", 3900, "potters-yard"),
        ("kettle-1", "Kettle", "kitchen", 5400, "shop"),
        ("strainer-1", "Strainer", "kitchen", 750, "shop"),
        ("honey-1", "Heather Honey", "food", 820, "shop"),
    )
}
CUSTOMERS = ("ada", "bela", "chidi", "dora", "emil", "farah", "gita", "hugo", "ines", "jun")


@dataclass(frozen=True)
class Visit:
    """A customer comes in `after` seconds, orders, and perhaps thinks better of it."""

    after: float
    order: PlaceOrder
    cancelled: bool


def visits(seed: int, ids: Ids) -> Iterator[Visit]:
    """Customers without end; the same seed brings the same ones."""
    chance = random.Random(seed)
    while True:
        skus = chance.sample(sorted(SHELF), chance.choice((1, 1, 1, 2, 2, 3)))
        lines = [Line(sku=sku, quantity=chance.choice((1, 1, 2, 3))) for sku in skus]
        cost = sum(SHELF[line.sku].price.amount * line.quantity for line in lines)
        token = "tok_decline" if chance.random() < DECLINED else ""
        card = Payment(type="credit_card", amount=Money(cost, "EUR"), token=token)
        customer = chance.choice(CUSTOMERS)
        order = PlaceOrder(id=PREFIX + ids(), customer_id=customer, lines=lines, payments=[card])
        yield Visit(chance.expovariate(A_SECOND), order, chance.random() < CANCELLED)
