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
from projections.reconciliation import past_facts, settling
from projections.reconciliation.prices import as_text, sold
from projections.reconciliation.slots import Facts, added, last, mark_of, noted

OF_AN_ORDER = {"order", "reservation", "payment", "settlement", "shipment"}
"""The aggregates whose id is the order's."""
Pairs = Iterable[tuple[str, int]]
NEW = ("reserved", "kept")
GONE = ("there", "kept")
"""The sums of what is newly kept for an order, and of what leaves the shelf for it."""


def keys(event: Recorded[Any]) -> Iterable[str]:
    """`order/<id>`, `sku/<id>`, or both: a SKU hears of the orders that paid its listed price."""
    if isinstance(event.data, ordering.OrderPlaced):
        listed = sorted({line.sku for line in event.data.lines if line.listed})
        return (f"order/{event.id}", *(f"sku/{sku}" for sku in listed))
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
    if isinstance(event.data, ordering.OrderPlaced) and key.startswith("sku/"):
        return sold(told, event)
    data, units, money = event.data, *_sums(event, key)
    currency, text = told.currency, told.text
    match data:
        case ordering.OrderPlaced(total=total) | payments.PaymentsSecured(total=total):
            currency = total.currency
        case catalog.ProductListed(price=price) | catalog.PriceChanged(price=price):
            text = {**text, "price": as_text(price), f"had:{as_text(price)}": ""}
        case ordering.PriceNoted(price=price):
            text = {**text, "price": as_text(price)}
        case inventory.StockCounted(counted=counted, on_hand=on_hand):
            there = told.units.get("on_hand", 0)
            text = {"counted": str(counted), "books": str(on_hand), "events": str(there)}
        case inventory.StockAdjusted(rule="count-differs"):
            text = {}
        case catalog.ProductDelisted() | ordering.PriceForgotten():
            text = {**text, "price": ""}
        case _:
            pass
    told = replace(
        told,
        units=added(told.units, units),
        money=added(told.money, money),
        currency=currency,
        text=text,
        settling=settling.fold(told.settling, event),
    )
    return past_facts.fold(told, data)


def _told(facts: Facts | None, event: Recorded[Any], key: str) -> Facts:
    kind, _, id = key.partition("/")
    facts = facts or Facts(
        of=Subject(kind=cast(Kind, kind), id=id), time=event.time, position=event.position
    )
    if kind == "sku":
        return last(facts, event)
    if event.aggregate == "settlement":  # by what others say an order does not move
        return replace(facts, position=event.position)
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
            return _planned(event.data), _sent(event.data)
        case _:
            return (), _paid(event.data)


def _of_stock(event: Recorded[Any], key: str) -> Pairs:
    """For an order: what the SKU counts as kept for it, and as there or gone because of it. For the
    SKU: all it has."""
    quantity = getattr(event.data, "quantity", 0)
    kept = {"UnitsReserved": 1, "UnitsReleased": -1, "UnitsShipped": -1}.get(event.type, 0)
    there = {"StockReceived": 1, "UnitsReturned": 1, "StockWrittenOff": -1, "UnitsShipped": -1}
    on_hand, reserved = there.get(event.type, 0) * quantity, kept * quantity
    if isinstance(event.data, inventory.StockAdjusted):
        on_hand, reserved = event.data.on_hand, event.data.reserved
    if key.startswith("order/"):
        return [(f"counted:{event.id}", reserved), (f"counted_there:{event.id}", on_hand)]
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


def _kept(data: Any) -> Pairs:  # noqa: PLR0911
    match data:
        case inventory.StockReserved(parts=parts) | inventory.ReplacementReserved(parts=parts):
            return [(f"{n}:{part.sku}", part.quantity) for part in parts for n in NEW]
        case inventory.StockReleased(parts=parts):
            return [(f"kept:{part.sku}", -part.quantity) for part in parts]
        case inventory.StockShipped(parts=parts):
            return [(f"{n}:{part.sku}", -part.quantity) for part in parts for n in GONE]
        case inventory.ParcelTakenBack(parts=parts):
            return [(f"there:{part.sku}", part.quantity) for part in parts]
        case inventory.ReturnReceived(parts=back):
            return [(f"there:{part.sku}", part.sellable) for part in back]
        case inventory.ReservationAdjusted(kept=kept):
            return [(f"{name}:{sku}", n) for sku, n in kept.items() for name in NEW]
        case _:
            return ()


def _planned(data: Any) -> Pairs:
    """Which lines go with which parcel; a replacement's have gone before."""
    match data:
        case shipping.ShipmentPlanned(parcel=parcel, lines=lines, replacement=False):
            return [(f"planned:{line.line}.{parcel}", line.quantity) for line in lines]
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
        case payments.PaymentAuthorized():
            return [(f"{name}:{data.payment}", data.amount.amount) for name in ("got", "held")]
        case payments.PaymentSettled():
            return [(f"got:{data.payment}", data.amount.amount)]
        case payments.CaptureRequested():
            return [(f"to_capture:{data.payment}", data.amount.amount)]
        case payments.PaymentCaptured():
            amount = data.amount.amount
            return [(f"captured:{data.payment}", amount), (f"held:{data.payment}", -amount)]
        case payments.PaymentVoided():
            return [(f"held:{data.payment}", -data.amount.amount)]
        case payments.CaptureFailed() | payments.ShortfallBooked():
            return [(f"to_capture:{data.payment}", -data.amount.amount)]
        case payments.VoidRequested() | payments.RefundRequested():
            return [(f"back:{data.payment}", data.amount.amount)]
        case payments.PaymentAdjusted():
            return [(f"got:{data.payment}", data.captured - data.refunded)]
        case payments.SurplusBooked(reference=""):
            return [(f"to_capture:{data.payment}", data.amount.amount)]
        case _:
            return ()
