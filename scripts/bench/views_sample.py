"""The views that are measured: a row per order in either store, and one with few keys.

They take from an event what they need, and no more.

`python -m scripts.bench.views_sample <view>` is such a view's process, as in production.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace as changed

from bus.envelope import Recorded
from bus.messages import Event
from bus.view import Source, View
from bus.views.process import run
from domains.ordering.messages import CONTRACT


class Sum(Struct, frozen=True):
    amount: int
    currency: str


class Line(Struct, frozen=True):
    """Only counted."""


class Placed(Event, tag="OrderPlaced"):
    customer_id: str
    lines: Sequence[Line]
    total: Sum
    ordered_at: datetime


class Requested(Event, tag="PaymentRequested"):
    total: Sum


class Confirmed(Event, tag="OrderConfirmed"):
    pass


class Shipped(Event, tag="OrderShipped"):
    pass


class Delivered(Event, tag="OrderDelivered"):
    pass


STATES: Mapping[type, str] = {
    Requested: "awaiting_payment",
    Confirmed: "confirmed",
    Shipped: "shipped",
    Delivered: "delivered",
}
EVENTS = (Placed, Requested, Confirmed, Shipped, Delivered)
LAST = "delivered"


class Order(Struct, frozen=True):
    """Slot and row alike; `total` is in minor units."""

    id: str
    customer_id: str
    state: str
    total: int
    currency: str
    lines: int
    ordered_at: datetime
    changed_at: datetime


class Day(Struct, frozen=True):
    """What happened on a day, and what was sold on it."""

    events: int = 0
    confirmed: int = 0
    total: int = 0


def of_order(event: Recorded[Any]) -> Iterable[str]:
    return (event.id,)


def fold_order(order: Order | None, event: Recorded[Any], key: str) -> Order:
    data = event.data
    if isinstance(data, Placed):
        total, time = data.total, event.time
        return Order(
            key,
            data.customer_id,
            "placed",
            total.amount,
            total.currency,
            len(data.lines),
            data.ordered_at,
            time,
        )
    assert order is not None
    return changed(order, state=STATES[type(data)], changed_at=event.time)


def of_day(event: Recorded[Any]) -> Iterable[str]:
    return (event.time.date().isoformat(),)


def fold_day(day: Day | None, event: Recorded[Any], key: str) -> Day:
    day = day or Day()
    match event.data:
        case Requested(total=total):
            return Day(day.events + 1, day.confirmed, day.total + total.amount)
        case Confirmed():
            return Day(day.events + 1, day.confirmed + 1, day.total)
    return Day(day.events + 1, day.confirmed, day.total)


def row(slots: Mapping[str, Any]) -> Any:
    return slots[CONTRACT.domain]


ORDERS = View(
    name="bench_orders",
    version=1,
    sources=[Source(CONTRACT, Order, EVENTS)],
    keys=of_order,
    fold=fold_order,
    row=row,
    columns={"state": str, "total": int},
    queries=[],
)
DAYS = View(
    name="bench_days",
    version=1,
    sources=[Source(CONTRACT, Day, EVENTS)],
    keys=of_day,
    fold=fold_day,
    row=row,
    columns={"events": int},
    queries=[],
)
CACHED = replace(ORDERS, name="bench_cached", backend="redis")
VIEWS = {view.name: view for view in (ORDERS, DAYS, CACHED)}

if __name__ == "__main__":
    run(VIEWS[sys.argv[1]])
