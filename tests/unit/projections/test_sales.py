"""What the view `sales` counts, and in which month."""

from __future__ import annotations

from typing import Any

from bus.testing import at
from bus.testing.told import Told, told
from domains.catalog.messages import ProductListed
from projections.products import VIEW as PRODUCTS
from projections.sales import VIEW
from tests.unit.projections.examples import (
    LATER,
    POT,
    TEA,
    cancelled,
    confirmed,
    eur,
    line,
    lines_cancelled,
    placed,
)

TEA_ROW = {
    "month": "2025-12",
    "sku": "tea-1",
    "seller_id": "shop",
    "currency": "EUR",
    "units": 2,
    "revenue": 900,
    "freight": 100,
}


async def test_an_order_counts_when_it_is_confirmed_in_the_month_it_was_ordered_in() -> None:
    sales = await told(VIEW, at("o-1", placed()))
    assert (await sales.ask("by_month"))["rows"] == []
    sales = await told(VIEW, at("o-1", placed(), confirmed()))
    assert await sales.row("2025-12/tea-1/shop/EUR") == TEA_ROW


async def test_lines_of_the_same_thing_add_up_within_and_across_orders() -> None:
    twice = [TEA, line(3, "tea-1", 1, 400, 0)]
    sales = await told(VIEW, at("o-1", confirmed(twice)), at("o-2", confirmed([TEA])))
    row = await sales.row("2025-12/tea-1/shop/EUR")
    assert (row["units"], row["revenue"], row["freight"]) == (5, 2200, 200)


async def test_what_is_cancelled_after_confirmation_is_taken_back() -> None:
    sales = await told(VIEW, at("o-1", confirmed(), lines_cancelled(POT)))
    assert await sales.row("2025-12/pot-1/potter/EUR") is None
    assert await sales.row("2025-12/tea-1/shop/EUR") == TEA_ROW
    gone = cancelled(TEA, POT, was_confirmed=True)
    sales = await told(VIEW, at("o-1", confirmed(), gone))
    assert (await sales.ask("by_sku"))["rows"] == []


async def test_what_was_never_confirmed_is_not_taken_back() -> None:
    sales = await told(VIEW, at("o-1", confirmed()), at("o-2", placed(), cancelled(TEA, POT)))
    assert await sales.row("2025-12/tea-1/shop/EUR") == TEA_ROW


async def shop() -> Told:
    sales = await told(
        VIEW,
        at("o-1", confirmed()),
        at("o-2", confirmed([TEA], ordered_at=LATER)),
    )
    listed = [("tea-1", "Green tea", "tea"), ("cup-1", "Cup", "china")]
    products = [
        at(sku, ProductListed(name=name, price=eur(1), category=category, seller_id="shop"))
        for sku, name, category in listed
    ]
    await told(PRODUCTS, *products, views=sales.views)
    return sales


async def asked(query: str, **params: Any) -> list[tuple[Any, ...]]:
    rows = (await (await shop()).ask(query, **params))["rows"]
    return [tuple(row[name] for name in row if name != "currency") for row in rows]


async def test_sums_are_grouped_as_asked() -> None:
    assert await asked("by_month") == [("2025-12", 3, 3900, 600), ("2026-01", 2, 900, 100)]
    assert await asked("by_month", seller_id="potter") == [("2025-12", 1, 3000, 500)]
    assert await asked("by_seller") == [("potter", 1, 3000, 500), ("shop", 4, 1800, 200)]
    assert await asked("by_sku", month="2026-01") == [("tea-1", 2, 900, 100)]


async def test_categories_are_joined_when_asked() -> None:
    assert await asked("by_category") == [("", 1, 3000, 500), ("tea", 4, 1800, 200)]
    assert await asked("by_category", month="2026-01") == [("tea", 2, 900, 100)]


async def test_top_products_have_names_where_the_catalog_knows_them() -> None:
    assert await asked("top") == [
        ("pot-1", 1, 3000, 500, None),
        ("tea-1", 4, 1800, 200, "Green tea"),
    ]
    assert await asked("top", by="units", limit=1) == [("tea-1", 4, 1800, 200, "Green tea")]


async def test_sums_come_in_pages() -> None:
    sales = await shop()
    first = await sales.ask("by_sku", limit=1)
    second = await sales.ask("by_sku", limit=1, page=first["next"])
    assert [row["sku"] for row in (*first["rows"], *second["rows"])] == ["pot-1", "tea-1"]
    assert second["next"] is None
