"""How each event changes what its stream has told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from msgspec.structs import replace

from bus.envelope import Recorded
from domains.catalog import messages as catalog
from domains.inventory import messages as inventory
from domains.ordering import messages as ordering
from domains.payments import messages as payments
from domains.reconciliation.messages import Kind, Subject
from domains.shipping import messages as shipping
from projections.reconciliation.slots import Facts, added, last, mark_of, noted

OF_AN_ORDER = {"order", "reservation", "payment", "shipment"}
"""The aggregates whose id is the order's."""
Pairs = Iterable[tuple[str, int]]


def keys(event: Recorded[Any]) -> Iterable[str]:
    """`order/<id>`, `sku/<id>`, or both."""
    if event.aggregate in OF_AN_ORDER:
        return (f"order/{event.id}",)
    if event.aggregate in {"product", "price"}:
        return (f"sku/{event.id}",)
    if event.aggregate == "stock":
        order = getattr(event.data, "order_id", None)
        return (f"sku/{event.id}", f"order/{order}") if order else (f"sku/{event.id}",)
    return ()


def fold(facts: Facts | None, event: Recorded[Any], key: str) -> Facts:
    told = _told(facts, event, key)
    data, units, money = event.data, *_sums(event, key)
    currency, text = told.currency, told.text
    match data:
        case ordering.OrderPlaced(total=total) | payments.PaymentsSecured(total=total):
            currency = total.currency
        case catalog.ProductListed(price=price) | catalog.PriceChanged(price=price):
            text = {"price": f"{price.amount} {price.currency}"}
        case ordering.PriceNoted(price=price):
            text = {"price": f"{price.amount} {price.currency}"}
        case inventory.StockCounted(counted=counted, on_hand=on_hand):
            text = {"counted": str(counted), "books": str(on_hand)}
        case inventory.StockAdjusted(rule="count-differs"):
            text = {}
        case catalog.ProductDelisted() | ordering.PriceForgotten():
            text = {"price": ""}
        case _:
            pass
    return replace(
        told,
        units=added(told.units, units),
        money=added(told.money, money),
        currency=currency,
        text=text,
    )


def _told(facts: Facts | None, event: Recorded[Any], key: str) -> Facts:
    kind, _, id = key.partition("/")
    facts = facts or Facts(
        of=Subject(kind=cast(Kind, kind), id=id), time=event.time, position=event.position
    )
    if kind == "sku":
        return last(facts, event)
    mark = f"{event.type}:{event.id}" if event.aggregate == "stock" else mark_of(event)
    return noted(facts, event, mark)


def _sums(event: Recorded[Any], key: str) -> tuple[Pairs, Pairs]:
    if event.aggregate == "stock":
        return _of_stock(event, key), ()
    match event.domain:
        case "ordering":
            return _ordered(event.data), _due(event)
        case "inventory":
            return _kept(event.data), ()
        case "shipping":
            return (), _sent(event.data)
        case _:
            return (), _paid(event.data)


def _of_stock(event: Recorded[Any], key: str) -> Pairs:
    """For an order: what the SKU counts as kept for it. For the SKU: all it has."""
    quantity = getattr(event.data, "quantity", 0)
    kept = {"UnitsReserved": 1, "UnitsReleased": -1, "UnitsShipped": -1}.get(event.type, 0)
    there = {"StockReceived": 1, "UnitsReturned": 1, "StockWrittenOff": -1, "UnitsShipped": -1}
    on_hand, reserved = there.get(event.type, 0) * quantity, kept * quantity
    if isinstance(event.data, inventory.StockAdjusted):
        on_hand, reserved = event.data.on_hand, event.data.reserved
    if key.startswith("order/"):
        return [(f"counted:{event.id}", reserved)]
    return [("on_hand", on_hand), ("reserved", reserved)]


def _ordered(data: Any) -> Pairs:
    match data:
        case ordering.OrderPlaced(lines=lines) | ordering.ReplacementRequested(lines=lines):
            return [(f"ordered:{line.sku}", line.quantity) for line in lines]
        case _:
            return ()


def _due(event: Recorded[Any]) -> Pairs:
    """What is to be given back for what came back or did not arrive."""
    match event.data:
        case (
            ordering.ReturnAccepted(value=value)
            | ordering.ParcelLost(value=value)
            | ordering.ReplacementUnavailable(value=value)
        ):
            return [(f"due:{mark_of(event)}", value.amount)]
        case _:
            return ()


def _kept(data: Any) -> Pairs:
    match data:
        case inventory.StockReserved(parts=parts) | inventory.ReplacementReserved(parts=parts):
            reserved = [(f"reserved:{part.sku}", part.quantity) for part in parts]
            return [*reserved, *((f"kept:{part.sku}", part.quantity) for part in parts)]
        case inventory.StockReleased(parts=parts) | inventory.StockShipped(parts=parts):
            return [(f"kept:{part.sku}", -part.quantity) for part in parts]
        case inventory.ReservationAdjusted(kept=kept):
            return [
                (f"{name}:{sku}", n) for sku, n in kept.items() for name in ("reserved", "kept")
            ]
        case _:
            return ()


def _sent(data: Any) -> Pairs:
    """What the parcels that left are worth."""
    match data:
        case shipping.ShipmentDispatched(parcel=parcel, value=value):
            return [(f"left:{parcel}", value.amount)]
        case shipping.ParcelCorrected(parcel=parcel, surplus=surplus, value=value):
            return [(f"left:{parcel}", -surplus * value.amount), (f"twice:{parcel}", -surplus)]
        case _:
            return ()


def _paid(data: Any) -> Pairs:  # noqa: PLR0911
    """By payment: what it has, what was asked for, and what came of it."""
    match data:
        case payments.PaymentAuthorized() | payments.PaymentSettled():
            return [(f"got:{data.payment}", data.amount.amount)]
        case payments.CaptureRequested():
            return [(f"to_capture:{data.payment}", data.amount.amount)]
        case payments.PaymentCaptured():
            return [(f"captured:{data.payment}", data.amount.amount)]
        case payments.CaptureFailed():
            return [(f"to_capture:{data.payment}", -data.amount.amount)]
        case payments.VoidRequested() | payments.RefundRequested():
            return [(f"back:{data.payment}", data.amount.amount)]
        case payments.SurplusBooked():
            return [(f"to_capture:{data.payment}", data.amount.amount)]
        case _:
            return ()
