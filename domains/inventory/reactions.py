"""What inventory does about other domains' events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bus.again import again
from bus.decider import Reaction
from bus.envelope import Recorded
from bus.messages import Command, Event
from domains.inventory.messages import (
    CorrectBooks,
    ExpectedLine,
    ExpectReturn,
    ForgetReturn,
    Part,
    ReleaseStock,
    ReserveReplacement,
    ReserveStock,
    ShipStock,
    TakeBack,
)
from domains.ordering import messages as ordering
from domains.reconciliation import messages as reconciliation
from domains.shipping import messages as shipping


def on_ordering(recorded: Recorded[Event]) -> Iterable[Command]:  # noqa: PLR0911
    match recorded.data:
        case ordering.OrderPlaced(lines=lines):
            return [ReserveStock(id=recorded.id, parts=_parts(lines))]
        case ordering.OrderCancelled(cause="unavailable"):
            return []  # that was our own answer: nothing is kept
        case ordering.OrderCancelled(lines=lines) | ordering.LinesCancelled(lines=lines):
            return [ReleaseStock(id=recorded.id, parts=_parts(lines))]
        case ordering.ReturnRequested(number=number, lines=lines):
            return [ExpectReturn(id=recorded.id, number=number, lines=_expected(lines))]
        case ordering.ReturnExpired(number=number):
            return [ForgetReturn(id=recorded.id, number=number)]
        case ordering.ReplacementRequested(parcel=parcel, lines=lines):
            return [ReserveReplacement(id=recorded.id, parcel=parcel, parts=_parts(lines))]
        case _:
            return []


def _expected(lines: Iterable[ordering.ReturnedLine]) -> list[ExpectedLine]:
    return [ExpectedLine(line=at.line, sku=at.sku, quantity=at.quantity) for at in lines]


def on_shipping(recorded: Recorded[Event]) -> Iterable[Command]:
    match recorded.data:
        case shipping.ShipmentDispatched(parcel=parcel, lines=lines):
            return [ShipStock(id=recorded.id, parcel=parcel, parts=_parts(lines))]
        case shipping.DeliveryFailed(parcel=parcel, lines=lines):
            return [TakeBack(id=recorded.id, parcel=parcel, parts=_parts(lines))]
        case _:
            return []


def on_reconciliation(recorded: Recorded[Event]) -> Iterable[Command]:
    match recorded.data:
        case reconciliation.CompensationRequested(
            domain="inventory", remedy=reconciliation.ReactAgain() as lost
        ):
            return again(SHOP, lost.upstream, lost.position, bytes(lost.event))
        case (
            reconciliation.CompensationRequested(
                remedy=reconciliation.CorrectStock() as remedy
            ) as asked
        ):
            return [_correct(recorded.id, asked, remedy)]
        case _:
            return []


def _correct(
    divergence_id: str,
    asked: reconciliation.CompensationRequested,
    remedy: reconciliation.CorrectStock,
) -> CorrectBooks:
    return CorrectBooks(
        id=asked.of.id,
        order=asked.of.kind == "order",
        kept=dict(remedy.kept),
        on_hand=dict(remedy.on_hand),
        reserved=dict(remedy.reserved),
        rule=asked.rule,
        divergence_id=divergence_id,
    )


def _parts(lines: Iterable[ordering.OrderLine | shipping.ParcelLine]) -> list[Part]:
    """The lines' units, each SKU once."""
    units: Counter[str] = Counter()
    for line in lines:
        units[line.sku] += line.quantity
    return [Part(sku=sku, quantity=quantity) for sku, quantity in units.items()]


SHOP = (Reaction(ordering.CONTRACT, on_ordering), Reaction(shipping.CONTRACT, on_shipping))
REACTIONS = (*SHOP, Reaction(reconciliation.CONTRACT, on_reconciliation))
