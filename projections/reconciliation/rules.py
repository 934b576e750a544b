"""Where sums disagree: pure checks over the facts of an order or of a SKU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from bus.messages import Money
from domains.ordering.messages import DEADLINES
from domains.reconciliation.messages import (
    CorrectParcel,
    CorrectStock,
    GiveBackSurplus,
)
from projections.reconciliation import obligations
from projections.reconciliation.found import Found, Owed
from projections.reconciliation.obligations import Order
from projections.reconciliation.slots import Facts

Check = Callable[[Order], Iterable[Found]]


class Rule(NamedTuple):
    """`remedy` says in words what would make it right."""

    name: str
    means: str
    remedy: str


def sent_twice(order: Order) -> Iterator[Found]:
    shipping = order.get("shipping")
    if shipping is None:
        return
    for parcel, mark in shipping.named("ShipmentDispatched"):
        surplus = mark.count - 1 + shipping.money.get(f"twice:{parcel}", 0)
        if surplus > 0:
            yield Found(
                rule="shipment-doubled",
                said=f"parcel {parcel} has left {mark.count} times",
                since=shipping.time,
                part=parcel,
                remedy=CorrectParcel(parcel=int(parcel), surplus=surplus),
            )


def reserved_too_much(order: Order) -> Iterator[Found]:
    inventory, ordering = order.get("inventory"), order.get("ordering")
    if inventory is None or ordering is None:
        return
    ordered = ordering.sums("ordered", ordering.units)
    reserved = inventory.sums("reserved", inventory.units)
    kept = inventory.sums("kept", inventory.units)
    off = {sku: min(n - ordered.get(sku, 0), kept.get(sku, 0)) for sku, n in reserved.items()}
    less = {sku: -n for sku, n in off.items() if n > 0}
    if less:
        said = ", ".join(f"{-n} of {sku}" for sku, n in less.items())
        yield Found(
            rule="reserved-too-much",
            said=f"inventory keeps {said} more than was ordered",
            since=inventory.time,
            remedy=CorrectStock(kept=less, reserved=less),
        )


def books_of_inventory(order: Order) -> Iterator[Found]:
    """What an order's reservation keeps is what the SKUs count as reserved for it."""
    inventory = order.get("inventory")
    if inventory is None:
        return
    kept = inventory.sums("kept", inventory.units)
    counted = inventory.sums("counted", inventory.units)
    names = sorted({*kept, *counted})
    off = {sku: kept.get(sku, 0) - counted.get(sku, 0) for sku in names}
    off = {sku: n for sku, n in off.items() if n}
    if off:
        said = ", ".join(f"{kept.get(k, 0)} and {counted.get(k, 0)} of {k}" for k in off)
        yield Found(
            rule="reservation-and-stock-differ",
            said=f"the reservation and the SKUs say {said}",
            since=inventory.time,
            remedy=CorrectStock(reserved=off),
        )


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
                rule="captured-too-much",
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
                rule="rounding" if short == 1 else "captured-too-little",
                said=f"payment {payment} was captured {amount - short}, where {amount} was due",
                since=payments.time,
                part=payment,
                amount=Money(short, payments.currency),
            )


def delivered_without_payment(order: Order) -> Iterator[Found]:
    ordering = order.get("ordering")
    if ordering is None or not ordering.count("OrderDelivered"):
        return
    if ordering.count("PaymentRequested") and "payments" not in order:
        mark = ordering.marks["OrderDelivered"]
        yield Found(
            rule="delivered-without-payment",
            said="all of it has arrived, and payments has never heard of it",
            since=mark.time,
        )


def stuck(order: Order) -> Iterator[Found]:
    """An order that has not moved for as long as its state allows."""
    ordering = order.get("ordering")
    if ordering is None:
        return
    state = _state(ordering)
    if state not in DEADLINES:
        return
    since = max(facts.time for domain, facts in order.items() if domain != "reconciliation")
    yield Found(
        rule=f"stuck-{state.replace('_', '-')}",
        said=f"{state} for longer than {_days(DEADLINES[state])}",
        since=since + DEADLINES[state],
    )


def _state(ordering: Facts) -> str:
    """What the marks say, the latest state first."""
    for event, state in (
        ("OrderCancelled", "cancelled"),
        ("OrderDelivered", "delivered"),
        ("OrderUndelivered", "undelivered"),
        ("OrderShipped", "shipped"),
        ("LinesCancelled", "confirmed"),
        ("CancellationRefused", "confirmed"),
        ("CancellationRequested", "cancelling"),
        ("OrderConfirmed", "confirmed"),
        ("PaymentRequested", "awaiting_payment"),
        ("OrderPlaced", "placed"),
    ):
        if list(ordering.named(event)):
            return state
    return ""


def _days(time: timedelta) -> str:
    return f"{time.days} days" if time.days else f"{time.seconds // 3600} hours"


def price_noted(sku: Order) -> Iterator[Found]:
    """Ordering's copy of the catalog."""
    catalog, ordering = sku.get("catalog"), sku.get("ordering")
    if catalog is None:
        return
    price = catalog.text.get("price", "")
    noted = ordering.text.get("price", "") if ordering else ""
    if price != noted:
        mark = catalog.marks["last"]
        yield Found(
            rule="price-differs",
            said=f"catalog says {price or 'delisted'}, ordering {noted or 'nothing'}",
            since=mark.time,
            remedy=obligations.react_again("ordering", "catalog", mark.position),
            owed=Owed(domain="ordering", upstream="catalog", position=mark.position),
        )


def reserved_beyond_stock(sku: Order) -> Iterator[Found]:
    inventory = sku.get("inventory")
    if inventory is None:
        return
    on_hand, reserved = inventory.units.get("on_hand", 0), inventory.units.get("reserved", 0)
    if not 0 <= reserved <= on_hand:
        yield Found(
            rule="reserved-beyond-stock",
            said=f"{reserved} reserved, {on_hand} on hand",
            since=inventory.time,
        )


def count_differs(sku: Order) -> Iterator[Found]:
    """What was on the shelf, and what the books said at that moment."""
    inventory = sku.get("inventory")
    if inventory is None or "counted" not in inventory.text:
        return
    counted, books = int(inventory.text["counted"]), int(inventory.text["books"])
    if counted != books:
        yield Found(
            rule="count-differs",
            said=f"{counted} were counted, where the books said {books}",
            since=inventory.time,
            remedy=CorrectStock(on_hand={inventory.of.id: counted - books}),
        )


OF_AN_ORDER: tuple[Check, ...] = (
    obligations.found,
    sent_twice,
    reserved_too_much,
    books_of_inventory,
    captured_too_much,
    captured_too_little,
    delivered_without_payment,
    stuck,
)
OF_A_SKU: tuple[Check, ...] = (price_noted, reserved_beyond_stock, count_differs)

RULES: tuple[Rule, ...] = (
    *(
        Rule(each.rule, each.means, f"{each.domain} takes {each.upstream}'s event again")
        for each in obligations.OBLIGATIONS
    ),
    Rule(
        "cancellation-unanswered",
        "a cancellation waits for shipping's answer",
        "shipping takes ordering's event again",
    ),
    Rule("shipment-doubled", "a parcel has left more than once", "shipping: those don't count"),
    Rule("reserved-too-much", "more is kept than was ordered", "inventory lets go of the rest"),
    Rule(
        "reservation-and-stock-differ",
        "an order's reservation and the SKUs in it keep different units",
        "inventory corrects the SKUs",
    ),
    Rule("captured-too-much", "more was taken than a parcel costs", "payments gives it back"),
    Rule("captured-too-little", "less was taken than a parcel costs", "a person decides"),
    Rule("rounding", "one cent less was taken than a parcel costs", "a person decides"),
    Rule("delivered-without-payment", "an order arrived for nothing", "a person decides"),
    *(
        Rule(f"stuck-{state.replace('_', '-')}", f"an order stays {state}", "a person decides")
        for state in DEADLINES
    ),
    Rule("price-differs", "ordering's price is not the catalog's", "ordering takes it again"),
    Rule("count-differs", "other units were counted than the books say", "inventory takes them"),
    Rule("reserved-beyond-stock", "more is kept than there is", "a person decides"),
)


def check(kind: str, facts: Mapping[str, Facts]) -> list[Found]:
    """All that is wrong with it, or will be if it stays as it is."""
    checks = OF_AN_ORDER if kind == "order" else OF_A_SKU
    return [found for check in checks for found in check(facts)]
