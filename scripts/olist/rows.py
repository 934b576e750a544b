"""What the CSV files say about an order and a product, column names as they are there."""

from __future__ import annotations

from msgspec import Struct


class Item(Struct, frozen=True):
    """One unit of a product. Amounts are texts of BRL, as written."""

    order_item_id: int
    product_id: str
    seller_id: str
    price: str
    freight_value: str


class Payment(Struct, frozen=True):
    payment_sequential: int
    payment_type: str
    payment_installments: int
    payment_value: str


class Order(Struct, frozen=True):
    """An order with its items and payments in their order. Times are local, UTC-3."""

    order_id: str
    customer_unique_id: str
    order_status: str
    order_purchase_timestamp: str
    order_approved_at: str | None = None
    order_delivered_carrier_date: str | None = None
    order_delivered_customer_date: str | None = None
    order_estimated_delivery_date: str | None = None
    items: list[Item] = []
    payments: list[Payment] = []


class PastProduct(Struct, frozen=True):
    """A product as the files have it: without a price or a seller of its own."""

    product_id: str
    product_category_name: str


class Product(Struct, frozen=True):
    """A product with the price of its latest order and the seller of its first."""

    product_id: str
    product_category_name: str
    price: str
    seller_id: str
