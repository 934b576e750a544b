"""The data set's CSV files, plain or compressed with Zstandard, as tables in duckdb."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import duckdb
import msgspec

from scripts.olist.rows import Order, PastProduct, Product

SOURCE = "https://github.com/olist/work-at-olist-data"

T = TypeVar("T")

TABLES: Mapping[str, Sequence[str]] = {
    "orders": (
        "order_id",
        "customer_id",
        "order_status",
        "order_purchase_timestamp",
        "order_approved_at",
        "order_delivered_carrier_date",
        "order_delivered_customer_date",
        "order_estimated_delivery_date",
    ),
    "order_items": (
        "order_id",
        "order_item_id",
        "product_id",
        "seller_id",
        "price",
        "freight_value",
    ),
    "order_payments": (
        "order_id",
        "payment_sequential",
        "payment_type",
        "payment_installments",
        "payment_value",
    ),
    "customers": ("customer_id", "customer_unique_id"),
    "products": ("product_id", "product_category_name"),
}
"""The tables that are read, and their columns that are."""

_LOAD = """
create table {table} as select {columns} from read_csv('{path}',
  header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
"""


class FilesError(Exception):
    """The folder does not hold the data set as it should; the message says what to do."""


class Files:
    """The data set in `folder`. Raises FilesError where it can't be read.

    Every column is text, as written; `query` asks the tables in SQL.
    """

    def __init__(self, folder: Path) -> None:
        self._database = duckdb.connect()
        for table, columns in TABLES.items():
            self._load(table, columns, _find(folder, table))
        self.define(Path(__file__).with_name("tables.sql"))

    def define(self, script: Path) -> None:
        """Runs a file of SQL, which adds views to ask."""
        self._database.execute(script.read_text(encoding="utf-8"))

    def query(self, sql: str) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = self._database.execute(sql).fetchall()
        return rows

    def products(self) -> Iterator[Product]:
        return self._rows(Product, "from product_with_price order by product_id")

    def past_products(self) -> Iterator[PastProduct]:
        """All that there are, with or without a price."""
        return self._rows(PastProduct, "from product_of_all order by product_id")

    def orders(self, where: str = "true") -> Iterator[Order]:
        """In the order in which they were placed."""
        return self._rows(
            Order,
            f"from order_with_all where {where} order by order_purchase_timestamp, order_id",
        )

    def count(self, what: str) -> int:
        """The number of rows of `what`, a table with or without a condition."""
        (row,) = self.query(f"select count(*) from {what}")
        return int(str(row[0]))

    def close(self) -> None:
        self._database.close()

    def _rows(self, shape: type[T], sql: str) -> Iterator[T]:
        cursor = self._database.cursor()
        names = [column[0] for column in cursor.execute(sql).description]
        while chunk := cursor.fetchmany(512):
            for values in chunk:
                yield _shaped(dict(zip(names, values, strict=True)), shape)

    def _load(self, table: str, columns: Sequence[str], path: Path) -> None:
        sql = _LOAD.format(table=table, columns=", ".join(columns), path=_quoted(path))
        try:
            self._database.execute(sql)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise FilesError(f"{path} can't be read as the Olist table {table}: {reason}") from None


def _shaped(row: dict[str, object], shape: type[T]) -> T:
    try:
        return msgspec.convert(row, shape, strict=False)
    except msgspec.ValidationError as error:
        name = row.get("order_id", row.get("product_id"))
        raise FilesError(f"{shape.__name__.lower()} {name}: {error}") from None


def _find(folder: Path, table: str) -> Path:
    names = [f"olist_{table}_dataset.csv", f"olist_{table}_dataset.csv.zst"]
    for name in names:
        if (path := folder / name).is_file():
            return path
    raise FilesError(
        f"{folder} has neither {names[0]} nor {names[1]}. The files are at {SOURCE}; name the "
        "folder that they are in."
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
