"""The CSV files as they are read, plain and compressed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.olist.files import Files, FilesError


def test_compressed_files_say_the_same_as_plain_ones(
    files: Files, compressed: Callable[[], Path]
) -> None:
    orders, products = list(files.orders()), list(files.products())

    packed = Files(compressed())

    assert list(packed.orders()) == orders
    assert list(packed.products()) == products
    assert len(orders) == 16


def test_items_and_payments_come_in_their_order_with_their_order(files: Files) -> None:
    (order,) = files.orders("order_id = 'two-sellers'")

    assert [item.product_id for item in order.items] == ["tea", "cup", "tea"]
    assert [payment.payment_value for payment in order.payments] == ["100.05", "32.00"]
    assert order.customer_unique_id == "person-two-sellers"
    assert order.order_delivered_customer_date is None


def test_a_missing_table_is_named_with_where_it_can_be_had(folder: Path) -> None:
    (folder / "olist_products_dataset.csv").unlink()

    with pytest.raises(FilesError, match=r"olist_products_dataset.csv nor .*zst.*https://"):
        Files(folder)


def test_a_missing_column_is_named(folder: Path) -> None:
    path = folder / "olist_orders_dataset.csv"
    path.write_text(path.read_text().replace("order_status", "status"))

    with pytest.raises(FilesError, match="order_status"):
        Files(folder)


def test_a_number_that_is_none_names_its_order(folder: Path) -> None:
    path = folder / "olist_order_payments_dataset.csv"
    path.write_text(path.read_text().replace("credit_card,24", "credit_card,many"))

    with pytest.raises(FilesError, match=r"order two-sellers: .*payment_installments|many"):
        list(Files(folder).orders())


def test_an_order_of_nobody_is_not_left_out(folder: Path) -> None:
    path = folder / "olist_customers_dataset.csv"
    path.write_text(path.read_text().replace("customer-of-plain", "customer-of-none"))

    with pytest.raises(FilesError, match="order plain"):
        list(Files(folder).orders())
