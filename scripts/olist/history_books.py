"""What the streams tell of the past, book by book: read as plain JSON, not by the domains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from bus.broker.port import Broker
from bus.contract import Contract
from bus.reader import Reader
from bus.store.port import START
from scripts.olist.sides import Unit
from scripts.olist.streams import DOMAINS

Book = Literal[
    "facts",
    "orders",
    "ordered at",
    "approved at",
    "delivered at",
    "units of each line",
    "freight of each line",
    "what each order cost",
    "payments",
    "amount of each payment",
    "what was paid for each order",
    "parcels",
    "worth of each parcel",
    "dispatched at",
    "arrived at",
    "units that left",
    "products",
]
Amounts = Mapping[str, int]
CENTS = frozenset[Book](
    {
        "freight of each line",
        "what each order cost",
        "amount of each payment",
        "what was paid for each order",
        "worth of each parcel",
    }
)
FACTS = frozenset(
    f"Past{told}Recorded" for told in ("Product", "Order", "Payments", "Shipments", "Stock")
)
"""The events that say what was; entries that put its books right are no part of that."""
Data = Mapping[str, Any]
Entries = Iterable[tuple[Book, str, int]]


def unit(book: Book) -> Unit:
    return "cents" if book in CENTS else "count"


class _Fact(Struct):
    subject: str
    data: dict[str, Any]


_decoder = msgspec.json.Decoder(_Fact)


async def told(broker: Broker) -> Mapping[Book, Amounts]:
    """All that there is now. What stands twice under one key is added up, and so differs."""
    books: dict[Book, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for domain in DOMAINS:
        async for id, data in _facts(broker, domain):
            books["facts"][domain] += 1
            for book, key, amount in _ENTRIES[domain](id, data):
                books[book][key] += amount
    return books


async def _facts(broker: Broker, domain: str) -> AsyncIterator[tuple[str, Data]]:
    async with aclosing(Reader(broker, Contract(domain, {}, {})).follow(START)) as batches:
        async for batch in batches:
            for delivered in batch:
                if delivered.type in FACTS:
                    fact = _decoder.decode(delivered.body)
                    yield fact.subject.partition("/")[2], fact.data
            if not batch:
                return


def _product(id: str, data: Data) -> Entries:
    yield "products", f"{id} {data['category']}", 1


def _order(id: str, data: Data) -> Entries:
    yield "orders", f"{id}/{data['customer_id']} {data['status']}, {data['state']}", 1
    yield "what each order cost", id, data["total"]["amount"]
    yield from _times(id, data, {"ordered at": "ordered_at", "approved at": "approved_at"})
    yield from _times(id, data, {"delivered at": "delivered_at"})
    for line in data["lines"]:
        key = f"{id}/{line['sku']}/{line['seller_id']}/{line['price']['amount']}"
        yield "units of each line", key, line["quantity"]
        yield "freight of each line", key, line["freight"]["amount"]


def _payments(id: str, data: Data) -> Entries:
    yield "what was paid for each order", id, data["total"]["amount"]
    for payment in data["payments"]:
        key = f"{id}/{payment['payment']} {payment['type']} in {payment['installments']}"
        yield "payments", key, 1
        yield "amount of each payment", key, payment["amount"]["amount"]


def _shipments(id: str, data: Data) -> Entries:
    for parcel in data["parcels"]:
        key = f"{id}/{parcel['seller_id']}"
        yield "parcels", f"{key} {parcel['state']}", 1
        yield "worth of each parcel", key, parcel["value"]["amount"]
        yield from _times(
            key, parcel, {"dispatched at": "dispatched_at", "arrived at": "delivered_at"}
        )


def _stock(id: str, data: Data) -> Entries:
    for part in data["parts"]:
        yield "units that left", f"{id}/{part['sku']}", part["quantity"]


def _times(key: str, data: Data, books: Mapping[Book, str]) -> Entries:
    for book, name in books.items():
        if data[name] is not None:
            yield book, key, int(datetime.fromisoformat(data[name]).timestamp())


_ENTRIES = {
    "catalog": _product,
    "ordering": _order,
    "payments": _payments,
    "shipping": _shipments,
    "inventory": _stock,
}
