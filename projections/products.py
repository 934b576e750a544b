"""The view `products`: what is offered, at what price, in which category.

What is only known from the past has no price and no seller, and is not listed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bus.envelope import Recorded
from bus.questions import by_key, listing
from bus.view import Page, Paged, Query, Rows, Source, View
from domains.catalog.messages import CONTRACT as CATALOG
from domains.catalog.messages import (
    PastProductRecorded,
    PriceChanged,
    ProductDelisted,
    ProductListed,
)


class Product(Struct, frozen=True, kw_only=True):
    """Both the slot and the row: there is only one source."""

    sku: str
    name: str
    category: str
    seller_id: str
    price: int | None
    currency: str | None
    listed: bool = True
    origin: str | None = None


def keys(event: Recorded[Any]) -> Iterable[str]:
    return (event.id,)


def fold(slot: Product, event: Recorded[Any], sku: str) -> Product:
    match event.data:
        case ProductListed(name=name, price=price, category=category, seller_id=seller_id):
            return Product(
                sku=sku,
                name=name,
                category=category,
                seller_id=seller_id,
                price=price.amount,
                currency=price.currency,
            )
        case PriceChanged(price=price):
            return replace(slot, price=price.amount, currency=price.currency)
        case ProductDelisted():
            return replace(slot, listed=False)
        case PastProductRecorded() as past:
            return remembered(sku, past)
    raise TypeError(f"{event.type} is no event of a product")


def remembered(sku: str, past: PastProductRecorded) -> Product:
    return Product(
        sku=sku,
        name=past.name,
        category=past.category,
        seller_id="",
        price=None,
        currency=None,
        listed=False,
        origin=past.origin,
    )


def row(slots: Mapping[str, Any]) -> Product:
    product: Product = slots["catalog"]
    return product


class InCategory(Paged, frozen=True, kw_only=True):
    category: str


async def by_category(rows: Rows, _: str, asked: InCategory) -> Page:
    return await rows.find(
        {"category": asked.category}, order="name", limit=asked.limit, after=asked.page
    )


VIEW = View(
    name="products",
    version=2,
    sources=[Source(CATALOG, Product)],
    keys=keys,
    fold=fold,
    row=row,
    columns={"name": str, "category": str},
    queries=[
        by_key(),
        Query("by_category", by_category, InCategory, example='{"category":"tea"}'),
        listing(),
    ],
)

if __name__ == "__main__":
    from bus.views.process import run

    run(VIEW)
