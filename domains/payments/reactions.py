"""What payments does about other domains' events."""

from __future__ import annotations

from collections.abc import Iterable

from bus.again import again
from bus.decider import Reaction
from bus.envelope import Recorded
from bus.messages import Command, Event, Money
from domains.ordering import messages as ordering
from domains.payments.messages import (
    AdjustPastPayments,
    AdjustPayment,
    BookShortfall,
    CapturePayments,
    CollectPayments,
    RefundPayments,
    ReturnPayments,
    ReturnSurplus,
)
from domains.reconciliation import messages as reconciliation
from domains.shipping import messages as shipping


def on_ordering(recorded: Recorded[Event]) -> Iterable[Command]:
    match recorded.data:
        case ordering.PaymentRequested():
            return [_collect(recorded.id, recorded.data)]
        case ordering.OrderCancelled(cause="unavailable"):
            return []  # it was refused before any money was asked for
        case ordering.OrderCancelled(value=value):
            return [_give_back(recorded, value, all_of_it=True)]
        case ordering.LinesCancelled(value=value):
            return [_give_back(recorded, value, all_of_it=False)]
        case (
            ordering.ReturnAccepted(value=value)
            | ordering.ParcelLost(value=value)
            | ordering.ReplacementUnavailable(value=value)
        ) if value.amount:
            return [RefundPayments(id=recorded.id, value=value, cause_id=_cause(recorded))]
        case _:
            return []


def on_shipping(recorded: Recorded[Event]) -> Iterable[Command]:
    match recorded.data:
        case shipping.ShipmentDispatched(parcel=parcel, value=value):
            return [CapturePayments(id=recorded.id, parcel=parcel, value=value)]
        case _:
            return []


def on_reconciliation(recorded: Recorded[Event]) -> Iterable[Command]:
    match recorded.data:
        case reconciliation.CompensationRequested(
            domain="payments", remedy=reconciliation.ReactAgain() as lost
        ):
            return again(SHOP, lost.upstream, lost.position, bytes(lost.event))
        case reconciliation.CompensationRequested() as asked:
            return _correct(recorded.id, asked)
        case _:
            return []


def _correct(divergence_id: str, asked: reconciliation.CompensationRequested) -> Iterable[Command]:
    """In payments' own books; what follows from that is asked of the provider."""
    id, rule = asked.of.id, asked.rule
    match asked.remedy:
        case reconciliation.GiveBackSurplus(payment=payment, amount=amount):
            yield ReturnSurplus(
                id=id, payment=payment, amount=amount, rule=rule, divergence_id=divergence_id
            )
        case reconciliation.BookShortfall(payment=payment):
            yield BookShortfall(id=id, payment=payment, rule=rule, divergence_id=divergence_id)
        case reconciliation.CorrectPayment(payment=payment, captured=captured, refunded=refunded):
            yield AdjustPayment(
                id=id,
                payment=payment,
                captured=captured,
                refunded=refunded,
                rule=rule,
                divergence_id=divergence_id,
            )
        case reconciliation.AdjustPastPayments(kept=kept):
            yield AdjustPastPayments(id=id, kept=kept, rule=rule, divergence_id=divergence_id)


def _collect(order_id: str, asked: ordering.PaymentRequested) -> CollectPayments:
    return CollectPayments(
        id=order_id,
        customer_id=asked.customer_id,
        total=asked.total,
        types=[payment.type for payment in asked.payments],
        amounts=[payment.amount for payment in asked.payments],
        installments=[payment.installments for payment in asked.payments],
        tokens=[payment.token for payment in asked.payments],
    )


def _give_back(recorded: Recorded[Event], value: Money, *, all_of_it: bool) -> ReturnPayments:
    cause_id = _cause(recorded)
    return ReturnPayments(id=recorded.id, value=value, all_of_it=all_of_it, cause_id=cause_id)


def _cause(recorded: Recorded[Event]) -> str:
    return f"{recorded.domain}:{recorded.position}"


SHOP = (Reaction(ordering.CONTRACT, on_ordering), Reaction(shipping.CONTRACT, on_shipping))
REACTIONS = (*SHOP, Reaction(reconciliation.CONTRACT, on_reconciliation))
