"""What becomes of an order's money: as much is taken as was asked for, and somebody asks."""

from __future__ import annotations

from collections.abc import Iterator

from bus.messages import Money
from domains.reconciliation.messages import BookShortfall, GiveBackSurplus
from projections.reconciliation.found import Found
from projections.reconciliation.obligations import Order

CENT = 1


def captured_too_much(order: Order) -> Iterator[Found]:
    """What the provider took is what it was asked to take."""
    payments = order.get("payments")
    if payments is None:
        return
    asked = payments.sums("to_capture", payments.money)
    for payment, amount in payments.sums("captured", payments.money).items():
        surplus = amount - asked.get(payment, 0)
        if surplus > 0:
            money = Money(surplus, payments.currency)
            yield Found(
                rule="rounding" if surplus == CENT else "captured-too-much",
                said=f"payment {payment} was captured {amount}, where {amount - surplus} was due",
                since=payments.time,
                part=payment,
                amount=money,
                remedy=GiveBackSurplus(payment=int(payment), amount=money),
            )


def captured_too_little(order: Order) -> Iterator[Found]:
    """An answer of the provider that names less than it was asked for. A capture that it has not
    answered yet is only late, and is told by `stuck`'s deadline."""
    payments = order.get("payments")
    if payments is None:
        return
    captured = payments.sums("captured", payments.money)
    asked, answered = payments.count("CaptureRequested"), payments.count("PaymentCaptured")
    if not captured or answered + payments.count("CaptureFailed") < asked:
        return
    for payment, amount in payments.sums("to_capture", payments.money).items():
        short = amount - captured.get(payment, 0)
        if short > 0:
            yield Found(
                rule="rounding" if short == CENT else "captured-too-little",
                said=f"payment {payment} was captured {amount - short}, where {amount} was due",
                since=payments.time,
                part=payment,
                amount=Money(short, payments.currency),
                remedy=BookShortfall(payment=int(payment)),
            )


def delivered_without_payment(order: Order) -> Iterator[Found]:
    ordering = order.get("ordering")
    if ordering is None or not ordering.count("OrderDelivered"):
        return
    if ordering.count("PaymentRequested") and not _paid(order):
        mark = ordering.marks["OrderDelivered"]
        yield Found(
            rule="delivered-without-payment",
            said="all of it has arrived, and payments has never heard of it",
            since=mark.time,
        )


def _paid(order: Order) -> bool:
    """Whether payments has done something; the provider may have told of the order all the same."""
    return "payments" in order and bool(order["payments"].marks)
