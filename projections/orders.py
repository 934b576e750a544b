"""The view `orders`: each order with its state, its money, its parcels, and all that happened
to it in all services.

placed, awaiting_payment, confirmed, partly_shipped, shipped, delivered; undelivered where parcels
left and none arrived; cancelling while a
cancellation waits for the parcels' answers; cancelled, with what caused it.
Orders that were played elsewhere have the origin `history`: they are as they were, and nothing more
happens to them, but for `entries` in the books where these did not agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from bus.envelope import Recorded
from bus.questions import by_key, totals
from bus.view import Page, Paged, Query, Rows, Source, View, sortable
from domains.inventory.messages import CONTRACT as INVENTORY
from domains.ordering.messages import CONTRACT as ORDERING
from domains.ordering.messages import OrderLine
from domains.payments.messages import CONTRACT as PAYMENTS
from domains.shipping.messages import CONTRACT as SHIPPING
from projections.order_past import fold
from projections.order_slots import Entry, History, Money, Order, Parcel, Parcels
from projections.payments import Row as PaymentRow
from projections.payments import shown as shown_payment

OF_AN_ORDER = {"order", "reservation", "payment", "settlement", "shipment"}
"""The aggregates whose id is the order's."""
SERVICES = ("ordering", "inventory", "payments", "shipping")
"""In which order they are told of what they recorded in the same microsecond."""
GOING_ON = ("confirmed", "partly_shipped")
"""States in which there is something left to cancel."""


class Happened(Struct, frozen=True, kw_only=True):
    time: datetime
    domain: str
    event: str
    position: int


class Line(Struct, frozen=True, kw_only=True):
    line: int
    sku: str
    seller_id: str
    quantity: int
    price: int
    freight: int


class Row(Struct, frozen=True, kw_only=True):
    """Amounts are in minor units of `currency`; `cancelled` is what cancelled lines cost,
    `returned` what is given back for what came back or never arrived, `unpaid` what has left and
    nobody pays. `origin`, `past_status` and `approved_at` are None for what was placed here, which
    has no `entries` either."""

    id: str
    customer_id: str
    state: str
    cancel_cause: str | None
    total: int
    cancelled: int
    currency: str
    ordered_at: str
    lines: Sequence[Line]
    payments: Sequence[PaymentRow]
    parcels: Sequence[Parcel]
    timeline: Sequence[Happened]
    returned: int = 0
    unpaid: int = 0
    origin: str | None = None
    past_status: str | None = None
    approved_at: str | None = None
    entries: Sequence[Entry] = ()


def keys(event: Recorded[Any]) -> Iterable[str]:
    return (event.id,) if event.aggregate in OF_AN_ORDER else ()


def row(slots: Mapping[str, Any]) -> Row | None:
    if "ordering" not in slots:
        return None  # another service was quicker to tell
    order: Order = slots["ordering"]
    money: Money = slots.get("payments", Money())
    shipments: Parcels = slots.get("shipping", Parcels())
    return Row(
        id=order.id,
        customer_id=order.customer_id,
        state="cancelling" if order.cancelling and order.state in GOING_ON else order.state,
        cancel_cause=order.cancel_cause,
        total=order.total,
        cancelled=order.cancelled,
        currency=order.currency,
        ordered_at=sortable(order.ordered_at),
        lines=[shown(line) for line in order.lines],
        payments=[shown_payment(money.payments[n]) for n in sorted(money.payments)],
        parcels=[shipments.parcels[n] for n in sorted(shipments.parcels)],
        timeline=timeline(slots),
        returned=order.returned,
        unpaid=money.unpaid,
        origin=order.origin,
        past_status=order.past_status,
        approved_at=sortable(order.approved_at) if order.approved_at else None,
        entries=sorted([*order.entries, *money.entries], key=lambda entry: entry.time),
    )


def shown(line: OrderLine) -> Line:
    return Line(
        line=line.line,
        sku=line.sku,
        seller_id=line.seller_id,
        quantity=line.quantity,
        price=line.price.amount,
        freight=line.freight.amount,
    )


def timeline(slots: Mapping[str, Any]) -> Sequence[Happened]:
    happened = [
        Happened(time=moment.time, domain=domain, event=moment.event, position=moment.position)
        for domain, history in slots.items()
        for moment in history.moments
    ]
    return sorted(happened, key=lambda one: (one.time, SERVICES.index(one.domain), one.position))


SUMMARY = (
    *("id", "customer_id", "state", "cancel_cause", "total", "currency", "ordered_at"),
    "origin",
)


async def latest(rows: Rows, where: Mapping[str, str], asked: Paged) -> Page:
    """The newest first, without lines and timeline."""
    found = await rows.find(
        where, order="ordered_at", descending=True, limit=asked.limit, after=asked.page
    )
    return Page([{name: order[name] for name in SUMMARY} for order in found.rows], found.next)


async def by_customer(rows: Rows, customer: str, asked: Paged) -> Page:
    return await latest(rows, {"customer_id": customer}, asked)


async def by_status(rows: Rows, state: str, asked: Paged) -> Page:
    return await latest(rows, {"state": state}, asked)


async def recent(rows: Rows, _: str, asked: Paged) -> Page:
    return await latest(rows, {}, asked)


VIEW = View(
    name="orders",
    version=4,
    sources=[
        Source(ORDERING, Order),
        Source(INVENTORY, History, envelopes=True),  # only its part of the timeline
        Source(PAYMENTS, Money),
        Source(SHIPPING, Parcels),
    ],
    keys=keys,
    fold=fold,
    row=row,
    columns={
        **{"customer_id": str, "state": str, "cancel_cause": str, "ordered_at": str},
        **{"currency": str, "total": int, "origin": str},
    },
    unindexed=["cancel_cause", "currency", "origin"],
    queries=[
        by_key(),
        Query("by_customer", by_customer, Paged, keyed=True, example='{"limit":10}'),
        Query("by_status", by_status, Paged, keyed=True, example='{"limit":10}'),
        Query("recent", recent, Paged, example='{"limit":10}'),
        totals(["state", "cancel_cause", "currency", "origin"], ["total"], name="counts"),
    ],
)

if __name__ == "__main__":
    from bus.views.process import run

    run(VIEW)
