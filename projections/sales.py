"""The view `sales`: what was sold, kept by month, SKU and seller.

An order counts when it is confirmed, in the month in which it was ordered (UTC), whatever
happens to be recorded when. What is cancelled after that, comes
back or never arrives is taken back from the same month; an exchange changes nothing.
Orders that were played elsewhere count where they were confirmed there and not cancelled; entries
that put their books right change nothing of what was sold.
Revenue is price times quantity; freight stands beside it. The category is the catalog's, joined
from the view `products` when it is asked for, so that a new category counts for the past, too.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any, Literal

from msgspec import Struct

from bus.envelope import Recorded
from bus.view import Page, Paged, Query, RowData, Rows, Source, View, page
from domains.ordering.messages import CONTRACT as ORDERING
from domains.ordering.messages import (
    LinesCancelled,
    OrderCancelled,
    OrderConfirmed,
    OrderLine,
    ParcelLost,
    PastOrderRecorded,
    ReplacementUnavailable,
    ReturnAccepted,
)
from projections.products import VIEW as PRODUCTS

TOLD = (
    PastOrderRecorded,
    *(OrderConfirmed, LinesCancelled, OrderCancelled),
    *(ReturnAccepted, ParcelLost, ReplacementUnavailable),
)
SUMS = ("units", "revenue", "freight")


class Sold(Struct, frozen=True, kw_only=True):
    """Amounts are in minor units of the currency. Both the slot and the row."""

    month: str
    sku: str
    seller_id: str
    currency: str
    units: int = 0
    revenue: int = 0
    freight: int = 0


def lines(event: Recorded[Any]) -> tuple[int, Sequence[OrderLine]]:
    """What the event adds (1) or takes back (-1)."""
    match event.data:
        case OrderConfirmed(parcels=parcels):
            return 1, [line for parcel in parcels for line in parcel]
        case LinesCancelled(lines=cancelled) | OrderCancelled(lines=cancelled, confirmed=True):
            return -1, cancelled
        case ReturnAccepted(lines=back, exchange=False):
            return -1, back
        case ParcelLost(lines=back) | ReplacementUnavailable(lines=back):
            return -1, back
        case PastOrderRecorded(state="confirmed" | "shipped" | "delivered", lines=sold):
            return 1, sold
    return 0, []


def place(event: Recorded[Any], line: OrderLine) -> tuple[str, str, str, str]:
    month = event.data.ordered_at.astimezone(UTC).strftime("%Y-%m")
    return month, line.sku, line.seller_id, line.price.currency


def keys(event: Recorded[Any]) -> Iterable[str]:
    return {"/".join(place(event, line)) for line in lines(event)[1]}


def fold(slot: Sold | None, event: Recorded[Any], key: str) -> Sold:
    sign, all_lines = lines(event)
    own = [line for line in all_lines if "/".join(place(event, line)) == key]
    month, sku, seller_id, currency = place(event, own[0])
    sold = slot or Sold(month=month, sku=sku, seller_id=seller_id, currency=currency)
    return Sold(
        month=month,
        sku=sku,
        seller_id=seller_id,
        currency=currency,
        units=sold.units + sign * sum(line.quantity for line in own),
        revenue=sold.revenue + sign * sum(line.price.amount * line.quantity for line in own),
        freight=sold.freight + sign * sum(line.freight.amount for line in own),
    )


def row(slots: Mapping[str, Any]) -> Sold | None:
    sold: Sold = slots["ordering"]
    return sold if sold.units else None


class Asked(Paged, frozen=True):
    """Only what was sold in one month, of one SKU, or by one seller."""

    month: str | None = None
    sku: str | None = None
    seller_id: str | None = None


class Top(Asked, frozen=True):
    by: Literal["revenue", "units"] = "revenue"


async def sums(
    rows: Rows, by: Sequence[str], asked: Asked, order: str | None = None
) -> Sequence[RowData]:
    given = {"month": asked.month, "sku": asked.sku, "seller_id": asked.seller_id}
    where = {column: value for column, value in given.items() if value is not None}
    found = await rows.totals([*by, "currency"], SUMS, where=where, order=order)
    return [{name: value for name, value in total.items() if name != "count"} for total in found]


async def by_month(rows: Rows, _: str, asked: Asked) -> Page:
    return page(await sums(rows, ["month"], asked), asked)


async def by_seller(rows: Rows, _: str, asked: Asked) -> Page:
    return page(await sums(rows, ["seller_id"], asked, "revenue"), asked)


async def by_sku(rows: Rows, _: str, asked: Asked) -> Page:
    return page(await sums(rows, ["sku"], asked), asked)


async def top(rows: Rows, _: str, asked: Top) -> Page:
    best = page(await sums(rows, ["sku"], asked, asked.by), asked)
    products = await rows.of(PRODUCTS.name).many(total["sku"] for total in best.rows)
    named = [{**total, "name": products.get(total["sku"], {}).get("name")} for total in best.rows]
    return Page(named, best.next)


async def by_category(rows: Rows, _: str, asked: Asked) -> Page:
    """What the catalog does not know is in the category ""."""
    found = await sums(rows, ["sku"], asked)
    products = await rows.of(PRODUCTS.name).many({total["sku"] for total in found})
    categories: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    for total in found:
        category = products.get(total["sku"], {}).get("category", "")
        for name in SUMS:
            categories[category, total["currency"]][name] += total[name]
    listed = [
        {"category": category, "currency": currency, **total}
        for (category, currency), total in sorted(categories.items())
    ]
    return page(listed, asked)


VIEW = View(
    name="sales",
    version=3,
    sources=[Source(ORDERING, Sold, TOLD)],
    keys=keys,
    fold=fold,
    row=row,
    columns={
        **{"month": str, "sku": str, "seller_id": str, "currency": str},
        **dict.fromkeys(SUMS, int),
    },
    unindexed=["currency"],
    joins=[PRODUCTS],
    queries=[
        Query("by_month", by_month, Asked, example='{"seller_id":"shop"}'),
        Query("by_seller", by_seller, Asked, example='{"month":"2026-01","limit":10}'),
        Query("by_sku", by_sku, Asked, example='{"month":"2026-01"}'),
        Query("by_category", by_category, Asked, example='{"month":"2026-01"}'),
        Query("top", top, Top, example='{"by":"units","limit":10}'),
    ],
)

if __name__ == "__main__":
    from bus.views.process import run

    run(VIEW)
