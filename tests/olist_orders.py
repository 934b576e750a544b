"""A handmade data set: an order of each kind, and each oddity of the real files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import zstandard

from scripts.olist.files import TABLES

Row = tuple[object, ...]
BOUGHT = "2017-10-02 22:56:33"
APPROVED = "2017-10-02 23:07:15"
CARRIED = "2017-10-04 19:55:00"
ARRIVED = "2017-10-10 21:25:13"
PROMISED = "2017-10-18 00:00:00"


def _order(id: str, status: str, *times: str) -> Row:
    approved, carried, arrived = (*times, "", "", "")[:3]
    return (id, f"customer-of-{id}", status, BOUGHT, approved, carried, arrived, PROMISED)


ORDERS: Sequence[Row] = (
    _order("plain", "delivered", APPROVED, CARRIED, ARRIVED),
    _order("no-dates", "delivered", APPROVED),
    _order("no-carrier", "delivered", APPROVED, "", ARRIVED),
    _order("early", "delivered", "", "2017-10-01 08:00:00", ARRIVED),
    _order("two-sellers", "shipped", APPROVED, CARRIED),
    _order("invoiced", "invoiced", APPROVED),
    _order("processing", "processing", APPROVED),
    _order("approved", "approved", APPROVED),
    _order("created", "created"),
    _order("cancelled", "canceled", APPROVED),
    _order("cancelled-late", "canceled", APPROVED, CARRIED),
    _order("cancelled-later", "canceled", APPROVED, CARRIED, ARRIVED),
    _order("unavailable", "unavailable", APPROVED),
    _order("empty", "unavailable", APPROVED),
    _order("cent-short", "delivered", APPROVED, CARRIED, ARRIVED),
    _order("unpaid", "delivered", APPROVED, CARRIED, ARRIVED),
)
_ITEMS: Mapping[str, Sequence[Row]] = {
    "plain": [(1, "tea", "ann", "", "58.90", "13.29")],
    # Two units of one product with different freight, and another one in between.
    "two-sellers": [
        (2, "cup", "bob", "", "10.00", "2.00"),
        (1, "tea", "ann", "", "58.90", "1.10"),
        (3, "tea", "ann", "", "58.90", "1.15"),
    ],
    "empty": [],
}
_PAYMENTS: Mapping[str, Sequence[Row]] = {
    # Out of order, not starting at 1, no instalments, a type that isn't one, one of zero.
    "plain": [(3, "not_defined", 1, "0.00"), (2, "credit_card", 0, "72.19")],
    "two-sellers": [(1, "credit_card", 24, "100.05"), (2, "voucher", 1, "32.00")],
    "empty": [(1, "boleto", 1, "20.00")],
    "cent-short": [(1, "debit_card", 1, "11.99")],
    "unpaid": [],
}
PAST_ORDERS: Sequence[Row] = (
    _order("overpaid", "delivered", APPROVED, CARRIED, ARRIVED),
    _order("underpaid", "processing", APPROVED),
    _order("rounded", "shipped", APPROVED, CARRIED),
    _order("paid-empty", "invoiced", APPROVED),
    _order("sent-empty", "shipped", APPROVED, CARRIED),
    _order("paid-nothing", "shipped", APPROVED, CARRIED),
    _order("open", "created"),
    _order("cancelled-unpaid", "canceled"),
    _order("sent-early", "delivered", CARRIED, APPROVED, ARRIVED),
)
"""More of what the books of the past don't agree on; only where history is recorded."""
_ITEMS_OF_THE_PAST: Mapping[str, Sequence[Row]] = {"paid-empty": [], "sent-empty": []}
_PAYMENTS_OF_THE_PAST: Mapping[str, Sequence[Row]] = {
    "overpaid": [(5, "credit_card", 10, "13.50")],
    "underpaid": [(1, "voucher", 1, "5.00"), (2, "voucher", 1, "2.00")],
    "rounded": [(1, "credit_card", 1, "6.01"), (2, "voucher", 1, "6.01")],
    "sent-empty": [(1, "debit_card", 1, "7.77")],
    "paid-nothing": [(1, "not_defined", 1, "0.00")],
    "open": [],
    "cancelled-unpaid": [],
}
_ITEM: Row = (1, "cup", "bob", "", "10.00", "2.00")
_PAYMENT: Row = (1, "boleto", 1, "12.00")


def _rows(past: bool) -> Mapping[str, Iterator[Row]]:
    orders = [*ORDERS, *PAST_ORDERS] if past else ORDERS
    items, payments = {**_ITEMS, **_ITEMS_OF_THE_PAST}, {**_PAYMENTS, **_PAYMENTS_OF_THE_PAST}
    ids = [str(order[0]) for order in orders]
    return {
        "orders": iter(orders),
        "order_items": ((id, *row) for id in ids for row in items.get(id, [_ITEM])),
        "order_payments": ((id, *row) for id in ids for row in payments.get(id, [_PAYMENT])),
        "customers": ((f"customer-of-{id}", f"person-{id}", 1, "", "") for id in ids),
        "products": iter([("tea", "bebidas"), ("cup", "")]),
    }


_HEADERS = {
    **TABLES,
    "order_items": (*TABLES["order_items"][:4], "shipping_limit_date", *TABLES["order_items"][4:]),
    "customers": (*TABLES["customers"], "zip", "customer_city", "customer_state"),
}


def write(folder: Path, *, compressed: bool = False, past: bool = False) -> Path:
    """With `past`, also PAST_ORDERS."""
    return write_tables(folder, _rows(past), compressed=compressed)


def write_tables(
    folder: Path, tables: Mapping[str, Iterable[Row]], *, compressed: bool = False
) -> Path:
    """A data set of one's own."""
    for table, rows in tables.items():
        path = folder / f"olist_{table}_dataset.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADERS[table])
            writer.writerows(rows)
        if compressed:
            packed = zstandard.ZstdCompressor().compress(path.read_bytes())
            path.with_suffix(".csv.zst").write_bytes(packed)
            path.unlink()
    return folder
