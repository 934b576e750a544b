"""From an order's rows to the command that places it: lines and payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bus.messages import Money
from domains.ordering.messages import Line, Payment, PaymentType, PlaceOrder
from scripts.olist import rows
from scripts.olist.files import FilesError
from scripts.olist.values import CURRENCY, aware, cents, money

PENDING = "tok_pending"
"""The provider leaves a payment with this token pending."""
_TYPES: Mapping[str, PaymentType] = {
    "credit_card": "credit_card",
    "boleto": "boleto",
    "voucher": "voucher",
    "debit_card": "debit_card",
    "not_defined": "voucher",
}


def placing(order: rows.Order, *, pending: bool) -> PlaceOrder:
    """With `pending`, its payments are never decided. Raises FilesError."""
    token = PENDING if pending else ""
    return PlaceOrder(
        id=order.order_id,
        customer_id=order.customer_unique_id,
        lines=lines(order.items),
        payments=[_payment(order, payment, token) for payment in order.payments],
        ordered_at=aware(order.order_purchase_timestamp),
    )


def lines(items: Sequence[rows.Item]) -> list[Line]:
    """Units of one product, seller and price are one line."""
    alike: dict[tuple[str, str, str], list[rows.Item]] = {}
    for item in items:
        alike.setdefault((item.product_id, item.seller_id, item.price), []).append(item)
    return [
        Line(
            sku=sku,
            quantity=len(units),
            price=money(price),
            freight=Money(sum(cents(unit.freight_value) for unit in units), CURRENCY),
            seller_id=seller,
        )
        for (sku, seller, price), units in alike.items()
    ]


def _payment(order: rows.Order, payment: rows.Payment, token: str) -> Payment:
    if payment.payment_type not in _TYPES:
        raise FilesError(
            f"order {order.order_id} has a payment of the type {payment.payment_type}, which is "
            f"none of {', '.join(_TYPES)}"
        )
    return Payment(
        type=_TYPES[payment.payment_type],
        amount=money(payment.payment_value),
        installments=max(1, payment.payment_installments),
        token=token,
    )
