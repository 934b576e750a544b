"""From the rows of the CSV files to what each domain remembers: the past as it was.

| status in the files | state of the order | its parcels, one a seller |
| --- | --- | --- |
| created | placed | planned |
| approved, invoiced, processing | confirmed | planned |
| shipped | shipped | dispatched |
| delivered | delivered | delivered |
| canceled, unavailable | cancelled | called off |

A parcel has left where the files have a carrier date, and has arrived where they have a date of
delivery, whatever the status is. A date that they don't have stays open. Lines are as in the live
import; payments have the numbers, types and instalments of the files, whatever they sum to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from bus.messages import Command
from domains.catalog.messages import RecordPastProduct
from domains.inventory.messages import RecordPastStock
from domains.ordering.messages import OrderLine, PastState, RecordPastOrder
from domains.payments.messages import PastPayment, RecordPastPayments
from domains.shipping.messages import RecordPastShipments
from scripts.olist import placing, rows
from scripts.olist.files import FilesError
from scripts.olist.mapping import product_name
from scripts.olist.past_parcels import left, parcels_of
from scripts.olist.values import CURRENCY, aware, money, since

STATES: Mapping[str, PastState] = {
    "created": "placed",
    "approved": "confirmed",
    "invoiced": "confirmed",
    "processing": "confirmed",
    "shipped": "shipped",
    "delivered": "delivered",
    "canceled": "cancelled",
    "unavailable": "cancelled",
}
TYPES: Mapping[str, Any] = {
    name: name for name in ("credit_card", "boleto", "voucher", "debit_card", "not_defined")
}


class Facts(Struct, frozen=True):
    """What the domains are told of one order. `stock` is None where nothing left."""

    order: RecordPastOrder
    payments: RecordPastPayments
    shipments: RecordPastShipments
    stock: RecordPastStock | None

    def others(self) -> Iterator[tuple[str, Command]]:
        """All but ordering's, by domain."""
        yield "payments", self.payments
        yield "shipping", self.shipments
        if self.stock is not None:
            yield "inventory", self.stock


def facts(order: rows.Order) -> Facts:
    """Raises FilesError where a value makes no sense."""
    lines = _lines(order)
    state = _known(order, STATES, "status", order.order_status)
    parcels = parcels_of(order, lines, state)
    return Facts(
        RecordPastOrder(
            id=order.order_id,
            customer_id=order.customer_unique_id,
            currency=CURRENCY,
            lines=lines,
            state=state,
            status=order.order_status,
            ordered_at=aware(order.order_purchase_timestamp),
            approved_at=since(order.order_approved_at),
            delivered_at=since(order.order_delivered_customer_date),
        ),
        RecordPastPayments(
            id=order.order_id,
            currency=CURRENCY,
            payments=[_payment(order, payment) for payment in order.payments],
        ),
        RecordPastShipments(id=order.order_id, parcels=parcels),
        left(order.order_id, parcels),
    )


def product(row: rows.PastProduct) -> RecordPastProduct:
    return RecordPastProduct(
        id=row.product_id, name=product_name(row), category=row.product_category_name
    )


def _lines(order: rows.Order) -> list[OrderLine]:
    return [
        OrderLine(
            line=number,
            sku=line.sku,
            quantity=line.quantity,
            price=line.price or money("0"),
            freight=line.freight or money("0"),
            seller_id=line.seller_id or "",
        )
        for number, line in enumerate(placing.lines(order.items), 1)
    ]


def _payment(order: rows.Order, payment: rows.Payment) -> PastPayment:
    return PastPayment(
        payment=payment.payment_sequential,
        type=_known(order, TYPES, "payment type", payment.payment_type),
        amount=money(payment.payment_value),
        installments=payment.payment_installments,
    )


def _known(order: rows.Order, known: Mapping[str, Any], what: str, name: str) -> Any:
    if name not in known:
        raise FilesError(
            f"order {order.order_id} has the {what} {name}, which is none of {', '.join(known)}"
        )
    return known[name]
