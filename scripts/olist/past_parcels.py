"""The parcels of an order of the past, one a seller, and what left with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from bus.messages import total
from domains.inventory.messages import Part, RecordPastStock
from domains.ordering.messages import OrderLine, PastState
from domains.shipping.messages import ParcelLine, PastParcel
from scripts.olist import rows
from scripts.olist.values import CURRENCY, since

ParcelState = Literal["planned", "dispatched", "delivered", "called_off"]


def parcels_of(order: rows.Order, lines: Iterable[OrderLine], state: PastState) -> list[PastParcel]:
    sellers: dict[str, list[OrderLine]] = {}
    for line in lines:
        sellers.setdefault(line.seller_id, []).append(line)
    return [
        PastParcel(
            parcel=number,
            seller_id=seller,
            lines=[ParcelLine(line=at.line, sku=at.sku, quantity=at.quantity) for at in theirs],
            value=total((line.value for line in theirs), CURRENCY),
            state=_stage(order, state),
            dispatched_at=since(order.order_delivered_carrier_date),
            delivered_at=since(order.order_delivered_customer_date),
        )
        for number, (seller, theirs) in enumerate(sellers.items(), 1)
    ]


def _stage(order: rows.Order, state: PastState) -> ParcelState:
    if order.order_delivered_customer_date or state == "delivered":
        return "delivered"
    if order.order_delivered_carrier_date or state == "shipped":
        return "dispatched"
    return "called_off" if state == "cancelled" else "planned"


def left(order_id: str, parcels: Sequence[PastParcel]) -> RecordPastStock | None:
    """What inventory is told; None where no parcel left."""
    units: Counter[str] = Counter()
    for parcel in parcels:
        if parcel.state in ("dispatched", "delivered"):
            for line in parcel.lines:
                units[line.sku] += line.quantity
    parts = [Part(sku=sku, quantity=quantity) for sku, quantity in units.items()]
    return RecordPastStock(id=order_id, parts=parts) if parts else None
