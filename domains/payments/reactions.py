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
        case (
            reconciliation.CompensationRequested(
                remedy=reconciliation.GiveBackSurplus() as remedy
            ) as asked
        ):
            return [_return(recorded.id, asked, remedy)]
        case (
            reconciliation.CompensationRequested(
                remedy=reconciliation.AdjustPastPayments(kept=kept)
            ) as asked
        ):
            return [_adjust(recorded.id, asked, kept)]
        case (
            reconciliation.CompensationRequested(
                remedy=reconciliation.CorrectPayment() as remedy
            ) as asked
        ):
            return [_follow(recorded.id, asked, remedy)]
        case _:
            return []


def _follow(
    divergence_id: str,
    asked: reconciliation.CompensationRequested,
    remedy: reconciliation.CorrectPayment,
) -> AdjustPayment:
    return AdjustPayment(
        id=asked.of.id,
        payment=remedy.payment,
        captured=remedy.captured,
        refunded=remedy.refunded,
        rule=asked.rule,
        divergence_id=divergence_id,
    )


def _return(
    divergence_id: str,
    asked: reconciliation.CompensationRequested,
    remedy: reconciliation.GiveBackSurplus,
) -> ReturnSurplus:
    return ReturnSurplus(
        id=asked.of.id,
        payment=remedy.payment,
        amount=remedy.amount,
        rule=asked.rule,
        divergence_id=divergence_id,
    )


def _adjust(
    divergence_id: str, asked: reconciliation.CompensationRequested, kept: Money
) -> AdjustPastPayments:
    return AdjustPastPayments(
        id=asked.of.id, kept=kept, rule=asked.rule, divergence_id=divergence_id
    )


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
