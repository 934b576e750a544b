"""What ordering makes of the other domains' events: commands to itself."""

from collections.abc import Iterable
from typing import Any

from bus.again import again
from bus.decider import Reaction
from bus.envelope import Recorded
from bus.messages import Command
from domains.catalog import messages as catalog
from domains.inventory import messages as inventory
from domains.ordering.messages import (
    AcceptPastCourse,
    AcceptReturn,
    ClosePastOrder,
    ConfirmOrder,
    ConfirmReplacement,
    FailPayment,
    ForgetPrice,
    NotePrice,
    RecordCallOff,
    RecordDelivery,
    RecordDispatch,
    RecordLoss,
    RefuseReplacement,
    RejectOrder,
    RequestPayment,
    ReturnLine,
)
from domains.payments import messages as payments
from domains.reconciliation import messages as reconciliation
from domains.shipping import messages as shipping


def _to_catalog(recorded: Recorded[Any]) -> Iterable[Command]:
    match recorded.data:
        case catalog.ProductListed(price=price, seller_id=seller_id):
            yield NotePrice(id=recorded.id, price=price, seller_id=seller_id)
        case catalog.PriceChanged(price=price):
            yield NotePrice(id=recorded.id, price=price)
        case catalog.ProductDelisted():
            yield ForgetPrice(id=recorded.id)


def _to_inventory(recorded: Recorded[Any]) -> Iterable[Command]:
    match recorded.data:
        case inventory.StockReserved():
            yield RequestPayment(id=recorded.id)
        case inventory.ReservationRefused():
            yield RejectOrder(id=recorded.id)
        case inventory.ReturnReceived() as came:
            yield _accept(recorded.id, came)
        case inventory.ReplacementReserved(parcel=parcel):
            yield ConfirmReplacement(id=recorded.id, parcel=parcel)
        case inventory.ReplacementRefused(parcel=parcel):
            yield RefuseReplacement(id=recorded.id, parcel=parcel)


def _accept(order_id: str, came: inventory.ReturnReceived) -> AcceptReturn:
    lines = [
        ReturnLine(line=part.line, quantity=part.sellable + part.scrapped) for part in came.parts
    ]
    return AcceptReturn(
        id=order_id,
        number=came.number,
        receipt=came.receipt,
        lines=lines,
        complete=came.complete,
    )


def _to_payments(recorded: Recorded[Any]) -> Iterable[Command]:
    match recorded.data:
        case payments.PaymentsSecured():
            yield ConfirmOrder(id=recorded.id)
        case payments.PaymentsFailed(reason=reason):
            yield FailPayment(id=recorded.id, reason=reason)


def _to_shipping(recorded: Recorded[Any]) -> Iterable[Command]:
    match recorded.data:
        case shipping.ShipmentDispatched(parcel=parcel, dispatched_at=time):
            yield RecordDispatch(id=recorded.id, parcel=parcel, dispatched_at=time)
        case shipping.ShipmentDelivered(parcel=parcel, delivered_at=time):
            yield RecordDelivery(id=recorded.id, parcel=parcel, delivered_at=time)
        case shipping.ShipmentCalledOff(parcel=parcel):
            yield RecordCallOff(id=recorded.id, parcel=parcel, called_off=True)
        case shipping.CallOffRefused(parcel=parcel):
            yield RecordCallOff(id=recorded.id, parcel=parcel, called_off=False)
        case shipping.DeliveryFailed(parcel=parcel):
            yield RecordLoss(id=recorded.id, parcel=parcel, came_back=True)
        case shipping.ShipmentLost(parcel=parcel):
            yield RecordLoss(id=recorded.id, parcel=parcel, came_back=False)


def _to_reconciliation(recorded: Recorded[Any]) -> Iterable[Command]:
    match recorded.data:
        case reconciliation.CompensationRequested(
            domain="ordering", remedy=reconciliation.ReactAgain() as remedy
        ):
            yield from again(SHOP, remedy.upstream, remedy.position, bytes(remedy.event))
        case reconciliation.CompensationRequested() as asked:
            yield from _entry(recorded.id, asked)


def _entry(
    divergence_id: str, asked: reconciliation.CompensationRequested
) -> Iterable[ClosePastOrder | AcceptPastCourse]:
    """For an order of the past."""
    id, rule = asked.of.id, asked.rule
    match asked.remedy:
        case reconciliation.ClosePastOrder():
            yield ClosePastOrder(id=id, rule=rule, divergence_id=divergence_id)
        case reconciliation.AcceptPastCourse():
            yield AcceptPastCourse(id=id, rule=rule, divergence_id=divergence_id)


SHOP = (
    Reaction(catalog.CONTRACT, _to_catalog),
    Reaction(inventory.CONTRACT, _to_inventory),
    Reaction(payments.CONTRACT, _to_payments),
    Reaction(shipping.CONTRACT, _to_shipping),
)
REACTIONS = (*SHOP, Reaction(reconciliation.CONTRACT, _to_reconciliation))
