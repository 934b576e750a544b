"""An order's reservation: all of its units or none, and each given up once."""

from functools import partial

from bus.testing import at, given
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import (
    Part,
    ReleaseStock,
    ReservationRefused,
    ReserveStock,
    ShipStock,
    Shortfall,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
    UnitsReleased,
    UnitsReserved,
    UnitsShipped,
)

inventory = partial(given, DOMAIN)


def tea(quantity: int) -> Part:
    return Part(sku="tea-1", quantity=quantity)


def pot(quantity: int) -> Part:
    return Part(sku="pot-1", quantity=quantity)


IN_STOCK = (
    at("tea-1", StockReceived(quantity=10, note="")),
    at("pot-1", StockReceived(quantity=1, note="")),
)
KEPT = (
    *IN_STOCK,
    at("tea-1", UnitsReserved(order_id="o-1", quantity=4)),
    at("pot-1", UnitsReserved(order_id="o-1", quantity=1)),
    StockReserved(parts=[tea(4), pot(1)]),
)


def test_all_units_of_an_order_are_kept_together() -> None:
    inventory(*IN_STOCK).when(ReserveStock(id="o-1", parts=[tea(4), pot(1)])).then(
        at("tea-1", UnitsReserved(order_id="o-1", quantity=4)),
        at("pot-1", UnitsReserved(order_id="o-1", quantity=1)),
        StockReserved(parts=[tea(4), pot(1)]),
    )


def test_one_missing_unit_keeps_none_and_says_what_is_short() -> None:
    inventory(*IN_STOCK).when(ReserveStock(id="o-1", parts=[tea(4), pot(2)])).then(
        ReservationRefused(shortfalls=[Shortfall(sku="pot-1", wanted=2, available=1)])
    )


def test_a_sku_that_nobody_has_received_is_short() -> None:
    inventory().when(ReserveStock(id="o-1", parts=[tea(1)])).then(
        ReservationRefused(shortfalls=[Shortfall(sku="tea-1", wanted=1, available=0)])
    )


def test_the_last_unit_goes_to_one_order_only() -> None:
    first = inventory(*IN_STOCK).when(ReserveStock(id="o-1", parts=[pot(1)]))

    first.when(ReserveStock(id="o-2", parts=[pot(1)])).then(
        ReservationRefused(shortfalls=[Shortfall(sku="pot-1", wanted=1, available=0)])
    )


def test_asking_twice_keeps_once() -> None:
    inventory(*KEPT).when(ReserveStock(id="o-1", parts=[tea(4), pot(1)])).then_nothing()


def test_a_refused_order_stays_refused() -> None:
    refused = ReservationRefused(shortfalls=[Shortfall(sku="tea-1", wanted=9, available=0)])

    inventory(refused, *IN_STOCK).when(ReserveStock(id="o-1", parts=[tea(9)])).then_nothing()


def test_released_units_are_there_for_the_next_order() -> None:
    released = inventory(*KEPT).when(ReleaseStock(id="o-1", parts=[tea(4), pot(1)]))

    released.then(
        at("tea-1", UnitsReleased(order_id="o-1", quantity=4)),
        at("pot-1", UnitsReleased(order_id="o-1", quantity=1)),
        StockReleased(parts=[tea(4), pot(1)]),
    )
    released.when(ReserveStock(id="o-2", parts=[tea(10)])).then(
        at("tea-1", UnitsReserved(order_id="o-2", quantity=10)), StockReserved(parts=[tea(10)])
    )


def test_some_lines_can_be_released_and_the_others_shipped() -> None:
    inventory(*KEPT).when(ReleaseStock(id="o-1", parts=[pot(1)])).then(
        at("pot-1", UnitsReleased(order_id="o-1", quantity=1)), StockReleased(parts=[pot(1)])
    ).when(ShipStock(id="o-1", parcel=1, parts=[tea(4)])).then(
        at("tea-1", UnitsShipped(order_id="o-1", quantity=4)),
        StockShipped(parcel=1, parts=[tea(4)]),
    )


def test_no_more_is_released_than_is_kept() -> None:
    inventory(*KEPT).when(ReleaseStock(id="o-1", parts=[tea(9)])).then(
        at("tea-1", UnitsReleased(order_id="o-1", quantity=4)), StockReleased(parts=[tea(4)])
    ).when(ReleaseStock(id="o-1", parts=[tea(4)])).then_nothing()


def test_what_has_left_is_not_released() -> None:
    shipped = inventory(*KEPT).when(ShipStock(id="o-1", parcel=1, parts=[tea(3)]))

    shipped.when(ReleaseStock(id="o-1", parts=[tea(4)])).then(
        at("tea-1", UnitsReleased(order_id="o-1", quantity=1)), StockReleased(parts=[tea(1)])
    )


def test_a_parcel_leaves_once() -> None:
    shipped = inventory(*KEPT).when(ShipStock(id="o-1", parcel=1, parts=[tea(2)]))

    shipped.when(ShipStock(id="o-1", parcel=1, parts=[tea(2)])).then_nothing()
    shipped.when(ShipStock(id="o-1", parcel=2, parts=[tea(2)])).then(
        at("tea-1", UnitsShipped(order_id="o-1", quantity=2)),
        StockShipped(parcel=2, parts=[tea(2)]),
    )


def test_an_order_that_keeps_nothing_releases_and_ships_nothing() -> None:
    refused = ReservationRefused(shortfalls=[Shortfall(sku="tea-1", wanted=99, available=10)])

    for history in (inventory(*IN_STOCK), inventory(*IN_STOCK, refused)):
        history.when(ReleaseStock(id="o-1", parts=[tea(1)])).then_nothing()
        history.when(ShipStock(id="o-1", parcel=1, parts=[tea(1)])).then_nothing()
