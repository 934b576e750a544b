"""What the views `stock` and `products` say of a SKU."""

from __future__ import annotations

import pytest

from bus.testing import at
from bus.testing.told import told
from bus.view import UnknownKey
from domains.catalog.messages import PriceChanged, ProductDelisted, ProductListed
from domains.inventory.messages import (
    StockReceived,
    StockReserved,
    StockWrittenOff,
    UnitsReleased,
    UnitsReserved,
    UnitsShipped,
)
from projections.products import VIEW as PRODUCTS
from projections.stock import VIEW as STOCK
from tests.unit.projections.examples import eur


async def test_stock_is_what_came_less_what_left_and_what_is_kept() -> None:
    stock = await told(
        STOCK,
        at("tea-1", StockReceived(quantity=10, note=""), StockWrittenOff(quantity=1, reason="")),
        at("tea-1", UnitsReserved(order_id="o-1", quantity=4)),
        at("tea-1", UnitsReserved(order_id="o-2", quantity=2)),
        at("tea-1", UnitsReleased(order_id="o-2", quantity=2)),
        at("tea-1", UnitsShipped(order_id="o-1", quantity=3)),
        at("o-1", StockReserved(parts=[])),
    )
    assert await stock.ask("get", "tea-1") == {
        "sku": "tea-1",
        "on_hand": 6,
        "reserved": 1,
        "available": 5,
        "shipped": 3,
        "returned": 0,
    }
    with pytest.raises(UnknownKey):
        await stock.ask("get", "o-1")


async def test_several_and_scarce_skus_can_be_asked_for() -> None:
    stock = await told(
        STOCK, *(at(f"s-{n}", StockReceived(quantity=n, note="")) for n in (3, 1, 2, 9))
    )
    several = await stock.ask("many", skus=["s-9", "s-x", "s-1"])
    assert [row["sku"] for row in several["rows"]] == ["s-9", "s-1"]
    assert several["unknown"] == ["s-x"]
    low = await stock.ask("low", below=3)
    assert [row["sku"] for row in low["rows"]] == ["s-1", "s-2"]
    listed = await stock.ask("list", limit=3)
    assert [row["sku"] for row in listed["rows"]] == ["s-1", "s-2", "s-3"]


async def test_a_product_is_as_the_catalog_says() -> None:
    listed = ProductListed(name="Green tea", price=eur(450), category="tea", seller_id="shop")
    products = await told(
        PRODUCTS,
        at("tea-1", listed, PriceChanged(price=eur(500))),
        at("tea-2", listed, ProductDelisted()),
    )
    tea = await products.ask("get", "tea-1")
    assert (tea["name"], tea["price"], tea["currency"], tea["listed"]) == (
        "Green tea",
        500,
        "EUR",
        True,
    )
    assert not (await products.ask("get", "tea-2"))["listed"]
    found = await products.ask("by_category", category="tea")
    assert [row["sku"] for row in found["rows"]] == ["tea-1", "tea-2"]
    with pytest.raises(UnknownKey):
        await products.ask("get", "tea-3")
