"""From the rows of the CSV files to commands, and to the state that they should end in.

| status in the files | what is played | state in the end |
| --- | --- | --- |
| delivered | placed, paid, each parcel dispatched and delivered | delivered |
| shipped | placed, paid, each parcel dispatched | shipped |
| invoiced, processing, approved | placed, paid | confirmed |
| created | placed; its payments stay pending at the provider | awaiting_payment |
| canceled | placed, paid, then cancelled by the customer | cancelled (customer) |
| canceled, after it left | as shipped or delivered; cancelling it is refused | shipped, delivered |
| unavailable | placed before any stock is received | cancelled (unavailable) |
| any, without items | placing it is refused | refused NoLines |
| any, payments not the sum of its items | placing it is refused | refused PaymentsDontAddUp |

Item rows of one product, seller and price are one line: quantity their number, freight their
sum. Payments go in the order of `payment_sequential`; instalments are at least 1;
`not_defined` (three payments of zero) goes as a voucher. A missing carrier date is the date
of delivery, else of approval, else of purchase; a missing date of delivery is the promised
one, else the carrier's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from domains.catalog.messages import ListProduct
from domains.inventory.messages import ReceiveStock
from domains.ordering.messages import PlaceOrder
from scripts.olist import rows
from scripts.olist.files import FilesError
from scripts.olist.placing import placing
from scripts.olist.values import aware, cents, money

NOTE = "olist"
"""What stock is received under, so that it is known again."""

End = Literal[
    "delivered",
    "shipped",
    "confirmed",
    "awaiting_payment",
    "cancelled (customer)",
    "cancelled (unavailable)",
    "refused NoLines",
    "refused PaymentsDontAddUp",
]

_ENDS: Mapping[str, End] = {
    "delivered": "delivered",
    "shipped": "shipped",
    "invoiced": "confirmed",
    "processing": "confirmed",
    "approved": "confirmed",
    "created": "awaiting_payment",
    "canceled": "cancelled (customer)",
    "unavailable": "cancelled (unavailable)",
}


class Journey(Struct, frozen=True, kw_only=True):
    """An order's way through the shop, and where it should end.

    `dispatched_at` is None where it never leaves, `delivered_at` where it never arrives.
    `cancelled` says whether the customer cancels: once it is confirmed, or, if it leaves,
    at the end, too late.
    """

    place: PlaceOrder
    end: End
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    cancelled: bool = False


def journey(order: rows.Order) -> Journey:
    """Raises FilesError where a value makes no sense."""
    left = order.order_delivered_carrier_date is not None
    cancelled = order.order_status == "canceled"
    end = _end(order, left and cancelled)
    return Journey(
        place=placing(order, pending=end == "awaiting_payment"),
        end=_refusal(order) or end,
        dispatched_at=_dispatched_at(order) if end in ("shipped", "delivered") else None,
        delivered_at=_delivered_at(order) if end == "delivered" else None,
        cancelled=cancelled,
    )


def listing(product: rows.Product) -> ListProduct:
    """The product's category is its name, with the beginning of its id."""
    return ListProduct(
        id=product.product_id,
        name=product_name(product),
        price=money(product.price),
        category=product.product_category_name,
        seller_id=product.seller_id,
    )


def product_name(product: rows.Product | rows.PastProduct) -> str:
    category = product.product_category_name.replace("_", " ")
    return f"{category or 'sem categoria'} {product.product_id[:8]}"


def receiving(sku: str, needed: int) -> ReceiveStock | None:
    """Exactly what the orders need, so that nothing is left by accident; None for nothing."""
    return ReceiveStock(id=sku, quantity=needed, note=NOTE) if needed else None


def needs_stock(end: End) -> bool:
    """Whether an order that ends so has had units of its own."""
    return end != "cancelled (unavailable)" and not end.startswith("refused")


def _end(order: rows.Order, left_and_cancelled: bool) -> End:
    if left_and_cancelled:
        return "delivered" if order.order_delivered_customer_date else "shipped"
    try:
        return _ENDS[order.order_status]
    except KeyError:
        raise FilesError(
            f"order {order.order_id} has the status {order.order_status}, which is none of "
            f"{', '.join(_ENDS)}"
        ) from None


def _refusal(order: rows.Order) -> End | None:
    if not order.items:
        return "refused NoLines"
    owed = sum(cents(item.price) + cents(item.freight_value) for item in order.items)
    paid = sum(cents(payment.payment_value) for payment in order.payments)
    return None if owed == paid else "refused PaymentsDontAddUp"


def _dispatched_at(order: rows.Order) -> datetime:
    return aware(
        order.order_delivered_carrier_date
        or order.order_delivered_customer_date
        or order.order_approved_at
        or order.order_purchase_timestamp
    )


def _delivered_at(order: rows.Order) -> datetime:
    known = order.order_delivered_customer_date or order.order_estimated_delivery_date
    return aware(known) if known else _dispatched_at(order)
