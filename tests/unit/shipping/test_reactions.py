"""What shipping does about ordering's events."""

from functools import partial

from bus.messages import Money
from bus.testing import NOW, given
from domains.ordering.messages import (
    CancellationRequested,
    OrderCancelled,
    OrderConfirmed,
    OrderLine,
    ReplacementConfirmed,
    ReplacementUnavailable,
)
from domains.shipping.domain import DOMAIN
from domains.shipping.messages import (
    CallOffShipments,
    ParcelLine,
    ParcelPlan,
    PlanReplacement,
    PlanShipments,
)

shipping = partial(given, DOMAIN)


def line(number: int, quantity: int, price: int, freight: int, seller_id: str) -> OrderLine:
    return OrderLine(
        line=number,
        sku=f"sku-{number}",
        quantity=quantity,
        price=Money(price, "EUR"),
        freight=Money(freight, "EUR"),
        seller_id=seller_id,
    )


TEA = line(1, 2, 450, 100, "shop")
POT = line(2, 1, 3000, 500, "potter")
CUP = line(3, 4, 250, 0, "shop")


def test_a_confirmed_order_is_planned_parcel_by_parcel_with_price_and_freight() -> None:
    confirmed = OrderConfirmed(customer_id="c", parcels=[[TEA, CUP], [POT]], ordered_at=NOW)

    heard = shipping().when_heard(confirmed, id="o-1")

    tea_and_cups = [
        ParcelLine(line=1, sku="sku-1", quantity=2),
        ParcelLine(line=3, sku="sku-3", quantity=4),
    ]
    pot = [ParcelLine(line=2, sku="sku-2", quantity=1)]
    assert heard.commands == (
        PlanShipments(
            id="o-1",
            parcels=[
                ParcelPlan(seller_id="shop", lines=tea_and_cups, value=Money(2000, "EUR")),
                ParcelPlan(seller_id="potter", lines=pot, value=Money(3500, "EUR")),
            ],
        ),
    )


def test_a_cancellation_calls_the_parcels_off() -> None:
    heard = shipping().when_heard(CancellationRequested(reason=""), id="o-1")

    assert heard.commands == (CallOffShipments(id="o-1"),)


def test_an_order_that_has_been_cancelled_asks_for_nothing_more() -> None:
    cancelled = OrderCancelled(
        cause="customer",
        reason="",
        lines=[TEA],
        value=TEA.value,
        ordered_at=NOW,
        confirmed=True,
    )

    assert shipping().when_heard(cancelled, id="o-1").commands == ()


def test_a_replacement_is_planned_as_worth_nothing() -> None:
    confirmed = ReplacementConfirmed(parcel=3, lines=[TEA, CUP])

    heard = shipping().when_heard(confirmed, id="o-1")

    lines = [
        ParcelLine(line=1, sku="sku-1", quantity=2),
        ParcelLine(line=3, sku="sku-3", quantity=4),
    ]
    plan = ParcelPlan(seller_id="shop", lines=lines, value=Money(0, "EUR"))
    assert heard.commands == (PlanReplacement(id="o-1", parcel=3, plan=plan),)


def test_a_replacement_that_cannot_be_had_is_not_planned() -> None:
    gone = ReplacementUnavailable(parcel=3, lines=[TEA], value=TEA.value, ordered_at=NOW)

    assert shipping().when_heard(gone, id="o-1").commands == ()
