"""What one domain owes another one's events: each reaction of the shop, in a table.

An obligation that is not met, although the domain has got past the event, is a reaction that was
lost. The domain is asked to take the event again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from msgspec import Raw

from domains.reconciliation.messages import ReactAgain
from projections.reconciliation.found import Found, Owed
from projections.reconciliation.slots import Facts, Mark

Order = Mapping[str, Facts]
"""An order's facts by domain."""


def react_again(domain: str, upstream: str, position: int) -> ReactAgain:
    """The event itself is added by whoever reports it."""
    return ReactAgain(domain=domain, upstream=upstream, position=position, event=Raw(b"null"))


def _always(order: Order, part: str) -> bool:
    return True


@dataclass(frozen=True)
class Obligation:
    """Of each `event` of `upstream`, `domain` must have told one of `effects`, where `{}` stands
    for the event's part. `applies` says whether this one obliges at all."""

    rule: str
    means: str
    upstream: str
    event: str
    domain: str
    effects: tuple[str, ...]
    applies: Callable[[Order, str], bool] = _always

    def found(self, order: Order) -> Iterator[Found]:
        if self.upstream not in order:
            return
        for part, mark in order[self.upstream].named(self.event):
            if self.applies(order, part) and not self._met(order, part, mark):
                yield self._missing(part, mark)

    def _met(self, order: Order, part: str, mark: Mark) -> bool:
        cause = f"{self.upstream}:{mark.position}"
        told = order.get(self.domain)
        if told is None:
            return False
        return any(told.count(effect.format(part, cause=cause)) for effect in self.effects)

    def _missing(self, part: str, mark: Mark) -> Found:
        of = f" {part}" if part else ""
        return Found(
            rule=self.rule,
            said=f"{self.domain} has done nothing about {self.upstream}'s {self.event}{of}",
            since=mark.time,
            part=part,
            remedy=react_again(self.domain, self.upstream, mark.position),
            owed=Owed(domain=self.domain, upstream=self.upstream, position=mark.position),
        )


def standing(order: Order) -> Mapping[str, int]:
    """By payment: what it has and was not asked to give back."""
    if "payments" not in order:
        return {}
    money = order["payments"].money
    got, back = order["payments"].sums("got", money), order["payments"].sums("back", money)
    return {payment: amount - back.get(payment, 0) for payment, amount in got.items()}


def _worth(order: Order, part: str) -> bool:
    return order["shipping"].money.get(f"left:{part}", 0) > 0


def _money_stands(order: Order, part: str) -> bool:
    return any(standing(order).values())


def _money_can_go_back(order: Order, part: str) -> bool:
    return _money_stands(order, part) and not any(
        True for _ in order["payments"].named("ParcelUnpaid")
    )


def _units_kept(order: Order, part: str) -> bool:
    told = order.get("inventory")
    return told is not None and any(n > 0 for n in told.sums("kept", told.units).values())


def _again(order: Order, parcel: str) -> bool:
    """Whether the parcel is a replacement."""
    return "ordering" in order and order["ordering"].count(f"ReplacementConfirmed:{parcel}") > 0


def _first(order: Order, parcel: str) -> bool:
    return not _again(order, parcel)


def _due(event: str) -> Callable[[Order, str], bool]:
    """Whether it says that money is to be given back."""
    return lambda order, part: order["ordering"].money.get(f"due:{event}:{part}", 0) > 0


OBLIGATIONS = (
    Obligation(
        "not-reserved",
        "an order was placed, and inventory neither keeps its units nor says why not",
        *("ordering", "OrderPlaced", "inventory"),
        ("StockReserved", "ReservationRefused"),
    ),
    Obligation(
        "payment-not-asked",
        "an order's units are kept, and ordering does not ask for the money",
        *("inventory", "StockReserved", "ordering"),
        ("PaymentRequested", "OrderCancelled"),
    ),
    Obligation(
        "refusal-unheard",
        "an order's units can't be had, and ordering does not cancel it",
        *("inventory", "ReservationRefused", "ordering"),
        ("OrderCancelled",),
    ),
    Obligation(
        "not-collected",
        "money was asked for, and payments does not collect it",
        *("ordering", "PaymentRequested", "payments"),
        ("PaymentsSecured", "AuthorizationRequested", "SettlementRequested", "PaymentSettled"),
    ),
    Obligation(
        "not-confirmed",
        "an order is paid, and ordering does not confirm it",
        *("payments", "PaymentsSecured", "ordering"),
        ("OrderConfirmed", "OrderCancelled"),
    ),
    Obligation(
        "failure-unheard",
        "an order can't be paid, and ordering does not cancel it",
        *("payments", "PaymentsFailed", "ordering"),
        ("OrderCancelled",),
    ),
    Obligation(
        "confirmed-without-shipment",
        "an order was confirmed, and shipping has planned no parcel",
        *("ordering", "OrderConfirmed", "shipping"),
        ("ShipmentPlanned:1",),
    ),
    Obligation(
        "call-off-unheard",
        "a parcel was called off, and ordering does not count it",
        *("shipping", "ShipmentCalledOff", "ordering"),
        ("CallOffAnswered:{}", "LinesCancelled", "OrderCancelled", "CancellationRefused"),
    ),
    Obligation(
        "call-off-refusal-unheard",
        "a parcel could not be called off, and ordering still waits for it",
        *("shipping", "CallOffRefused", "ordering"),
        ("CallOffAnswered:{}", "LinesCancelled", "OrderCancelled", "CancellationRefused"),
    ),
    Obligation(
        "dispatch-unheard",
        "a parcel has left, and ordering does not know",
        *("shipping", "ShipmentDispatched", "ordering"),
        (
            *("OrderPartlyShipped:{}", "OrderShipped:{}"),
            # Later news of it: that it has left goes without saying.
            *("OrderPartlyDelivered:{}", "OrderDelivered", "ParcelLost:{}"),
        ),
        _first,
    ),
    Obligation(
        "replacement-dispatch-unheard",
        "a replacement has left, and ordering does not know",
        *("shipping", "ShipmentDispatched", "ordering"),
        ("ReplacementShipped:{}", "ParcelLost:{}"),
        _again,
    ),
    Obligation(
        "delivery-unheard",
        "a parcel has arrived, and ordering does not know",
        *("shipping", "ShipmentDelivered", "ordering"),
        ("OrderPartlyDelivered:{}", "OrderDelivered"),
        _first,
    ),
    Obligation(
        "replacement-delivery-unheard",
        "a replacement has arrived, and ordering does not know",
        *("shipping", "ShipmentDelivered", "ordering"),
        ("ReplacementDelivered:{}",),
        _again,
    ),
    Obligation(
        "failed-delivery-unheard",
        "a parcel came back, and ordering does not know",
        *("shipping", "DeliveryFailed", "ordering"),
        ("ParcelLost:{}",),
    ),
    Obligation(
        "loss-unheard",
        "a parcel was lost, and ordering does not know",
        *("shipping", "ShipmentLost", "ordering"),
        ("ParcelLost:{}",),
    ),
    Obligation(
        "shipped-not-taken",
        "a parcel has left, and its units are still on inventory's shelf",
        *("shipping", "ShipmentDispatched", "inventory"),
        ("StockShipped:{}",),
    ),
    Obligation(
        "not-taken-back",
        "a parcel came back, and its units are not on inventory's shelf",
        *("shipping", "DeliveryFailed", "inventory"),
        ("ParcelTakenBack:{}",),
    ),
    Obligation(
        "shipped-not-captured",
        "a parcel has left, and nobody was charged for it",
        *("shipping", "ShipmentDispatched", "payments"),
        ("ParcelCharged:{}",),
        _worth,
    ),
    Obligation(
        "stock-held-for-ended",
        "an order is cancelled, and inventory still keeps its units",
        *("ordering", "OrderCancelled", "inventory"),
        (),
        _units_kept,
    ),
    Obligation(
        "stock-held-for-cancelled-lines",
        "some of an order is cancelled, and inventory still keeps those units",
        *("ordering", "LinesCancelled", "inventory"),
        ("StockReleased",),
        _units_kept,
    ),
    Obligation(
        "money-kept-for-cancelled",
        "an order is cancelled, and its money is held or kept",
        *("ordering", "OrderCancelled", "payments"),
        ("ReturnBooked:{cause}", "PaymentsFailed"),
        _money_stands,
    ),
    Obligation(
        "money-kept-for-cancelled-lines",
        "some of an order is cancelled, and payments does not give its money back",
        *("ordering", "LinesCancelled", "payments"),
        ("ReturnBooked:{cause}",),
        _money_can_go_back,
    ),
    Obligation(
        "return-not-refunded",
        "units came back, and payments does not give their money back",
        *("ordering", "ReturnAccepted", "payments"),
        ("RefundDue:{cause}",),
        _due("ReturnAccepted"),
    ),
    Obligation(
        "loss-not-refunded",
        "a parcel will not arrive, and payments does not give its money back",
        *("ordering", "ParcelLost", "payments"),
        ("RefundDue:{cause}",),
        _due("ParcelLost"),
    ),
    Obligation(
        "replacement-not-refunded",
        "a replacement can't be had, and payments does not give the money back",
        *("ordering", "ReplacementUnavailable", "payments"),
        ("RefundDue:{cause}",),
        _due("ReplacementUnavailable"),
    ),
    Obligation(
        "return-not-expected",
        "a return was agreed, and inventory does not expect it",
        *("ordering", "ReturnRequested", "inventory"),
        ("ReturnExpected:{}",),
    ),
    Obligation(
        "return-unheard",
        "units came back, and ordering does not know",
        *("inventory", "ReturnReceived", "ordering"),
        ("ReturnAccepted:{}",),
    ),
    Obligation(
        "replacement-not-kept",
        "a replacement was asked for, and inventory neither keeps it nor says why not",
        *("ordering", "ReplacementRequested", "inventory"),
        ("ReplacementReserved:{}", "ReplacementRefused:{}"),
    ),
    Obligation(
        "replacement-unheard",
        "a replacement is kept, and ordering does not know",
        *("inventory", "ReplacementReserved", "ordering"),
        ("ReplacementConfirmed:{}",),
    ),
    Obligation(
        "replacement-refusal-unheard",
        "a replacement can't be had, and ordering does not know",
        *("inventory", "ReplacementRefused", "ordering"),
        ("ReplacementUnavailable:{}",),
    ),
    Obligation(
        "replacement-without-shipment",
        "a replacement can be sent, and shipping has not planned it",
        *("ordering", "ReplacementConfirmed", "shipping"),
        ("ShipmentPlanned:{}",),
    ),
)


def unanswered(order: Order) -> Iterator[Found]:
    """A cancellation must hear of every parcel that is paid for."""
    if "ordering" not in order or "shipping" not in order:
        return
    mark = order["ordering"].marks.get("CancellationRequested")
    if mark is None:
        return
    told = order["shipping"]
    replacements = {part for part, _ in order["ordering"].named("ReplacementConfirmed")}
    for part, _ in told.named("ShipmentPlanned"):
        ends = ("ShipmentCalledOff", "CallOffRefused", "ParcelWithdrawn")
        answers = [f"{end}:{part}" for end in ends]
        if part not in replacements and not any(told.count(answer) for answer in answers):
            remedy = react_again("shipping", "ordering", mark.position)
            yield Found(
                rule="cancellation-unanswered",
                said="shipping has not answered whether it can call off all parcels",
                since=mark.time,
                remedy=remedy,
                owed=Owed(domain="shipping", upstream="ordering", position=mark.position),
            )
            return


def found(order: Order) -> Iterable[Found]:
    for obligation in OBLIGATIONS:
        yield from obligation.found(order)
    yield from unanswered(order)
