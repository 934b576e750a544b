"""What has left comes back, is replaced, gets lost, or can't be paid for: all books follow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bus.testing.ground import Ground
from domains.inventory.messages import ReceiveReturn, ReturnedPart
from domains.ordering.messages import RequestReturn, ReturnLine
from domains.shipping.messages import DeliverShipment, DispatchShipment, FailDelivery, LoseShipment
from tests.mesh.shop import Shop, card, line, order, shop, voucher
from tests.simulation.books import the_audit_balances


@pytest.fixture
async def it(ground: Ground) -> AsyncIterator[Shop]:
    async with shop(ground) as it:
        yield it
        await it.mesh.rest()
        await the_audit_balances(it)


async def arrived(it: Shop, *, units: int = 3, stock: int = 5, token: str = "") -> None:
    """An order of teas at 10.00, with a freight of 1.00, has arrived."""
    await it.stock(tea=stock)
    paid = [card(units * 1000 + 100, token)]
    await it.accepted(order("o-1", line("tea", units), payments=paid))
    await it.mesh.rest()
    await it.accepted(DispatchShipment(id="o-1"))
    await it.accepted(DeliverShipment(id="o-1"))
    await it.mesh.rest()


def back(units: int, *, exchange: bool = False) -> RequestReturn:
    lines = [ReturnLine(line=1, quantity=units)]
    return RequestReturn(id="o-1", lines=lines, reason="bitter", exchange=exchange)


def here(sellable: int, scrapped: int = 0, number: int = 1) -> ReceiveReturn:
    part = ReturnedPart(sku="tea", sellable=sellable, scrapped=scrapped)
    return ReceiveReturn(id="o-1", number=number, parts=[part])


async def test_what_comes_back_is_on_the_shelf_and_its_money_given_back(it: Shop) -> None:
    await arrived(it)
    await it.accepted(back(3))
    await it.mesh.rest()
    await it.accepted(here(1))
    await it.mesh.rest()
    assert it.money() == {"held": 0, "kept": 3100 - 1033}
    await it.accepted(here(1, scrapped=1))
    await it.mesh.rest()
    assert it.money() == {"held": 0, "kept": 0}
    assert await it.stock_of("tea") == (4, 0)
    assert await it.refused(here(1)) == "TooManyReturned"
    assert await it.refused(back(1)) == "AlreadyReturned"


async def test_a_return_that_never_comes_expires(it: Shop) -> None:
    await arrived(it)
    await it.accepted(back(2))
    await it.mesh.rest()
    await it.mesh.advance(timedelta(days=31))
    await it.mesh.rest()
    assert "ReturnExpired" in await it.names("ordering", "o-1")
    assert await it.refused(here(1)) == "ReturnExpired"
    assert await it.refused(back(1)) == "ReturnWindowClosed"


async def test_what_is_exchanged_leaves_once_more_for_nothing(it: Shop) -> None:
    await arrived(it)
    await it.accepted(back(2, exchange=True))
    await it.mesh.rest()
    await it.accepted(here(0, scrapped=2))
    await it.mesh.rest()
    await it.accepted(DispatchShipment(id="o-1", parcel=2))
    await it.accepted(DeliverShipment(id="o-1", parcel=2))
    await it.mesh.rest()
    assert "ReplacementDelivered" in await it.names("ordering", "o-1")
    assert it.money() == {"held": 0, "kept": 3100}
    assert await it.stock_of("tea") == (0, 0)
    await it.accepted(back(3))
    await it.mesh.rest()
    await it.accepted(here(3, number=2))
    await it.mesh.rest()
    assert it.money() == {"held": 0, "kept": 0}


async def test_what_cannot_be_replaced_is_paid_back(it: Shop) -> None:
    await arrived(it, stock=3)
    await it.accepted(back(1, exchange=True))
    await it.mesh.rest()
    await it.accepted(here(0, scrapped=1))
    await it.mesh.rest()
    assert "ReplacementUnavailable" in await it.names("ordering", "o-1")
    assert it.money() == {"held": 0, "kept": 3100 - 1033}


async def test_a_replacement_that_gets_lost_is_paid_back(it: Shop) -> None:
    await arrived(it)
    await it.accepted(back(1, exchange=True))
    await it.mesh.rest()
    await it.accepted(here(1))
    await it.mesh.rest()
    await it.accepted(DispatchShipment(id="o-1", parcel=2))
    await it.accepted(LoseShipment(id="o-1", parcel=2))
    await it.mesh.rest()
    assert it.money() == {"held": 0, "kept": 3100 - 1033}


async def test_a_parcel_that_comes_back_is_on_the_shelf_again(it: Shop) -> None:
    await it.stock(tea=2, cup=1)
    await it.accepted(order("o-1", line("tea", 2), line("cup", seller="s-2")))
    await it.mesh.rest()
    await it.accepted(DispatchShipment(id="o-1", parcel=1))
    await it.accepted(FailDelivery(id="o-1", parcel=1, reason="nobody there"))
    await it.mesh.rest()
    assert it.money() == {"held": 1100, "kept": 0}
    assert await it.stock_of("tea") == (2, 0)
    await it.accepted(DispatchShipment(id="o-1", parcel=2))
    await it.accepted(DeliverShipment(id="o-1", parcel=2))
    await it.mesh.rest()
    assert (await it.names("ordering", "o-1"))[-1] == "OrderDelivered"
    assert it.money() == {"held": 0, "kept": 1100}


async def test_an_order_of_which_nothing_arrives_has_an_end(it: Shop) -> None:
    await it.stock(tea=2)
    await it.accepted(order("o-1", line("tea", 2)))
    await it.mesh.rest()
    await it.accepted(DispatchShipment(id="o-1"))
    await it.accepted(LoseShipment(id="o-1"))
    await it.mesh.rest()
    assert (await it.names("ordering", "o-1"))[-2:] == ["ParcelLost", "OrderUndelivered"]
    assert it.money() == {"held": 0, "kept": 0}
    assert await it.stock_of("tea") == (0, 0)
    assert await it.refused(DeliverShipment(id="o-1")) == "ShipmentLost"
    assert await it.refused(back(1)) == "NothingArrived"


async def test_a_capture_that_fails_is_claimed_elsewhere_and_the_rest_stays_owed(it: Shop) -> None:
    await it.stock(tea=1, cup=1)
    lines = [line("tea"), line("cup", seller="s-2")]
    paid = [card(1500, "tok_capture_fails"), voucher(700)]
    await it.accepted(order("o-1", *lines, payments=paid))
    await it.mesh.rest()
    await it.accepted(DispatchShipment(id="o-1", parcel=1))
    await it.mesh.rest()
    await the_audit_balances(it)
    assert it.money() == {"held": 400, "kept": 700}
    await it.accepted(DispatchShipment(id="o-1", parcel=2))
    await it.mesh.rest()
    assert it.money() == {"held": 0, "kept": 700}
    owed = [e.data.amount.amount for e in await it.all("payments", "o-1", "ParcelUnpaid")]  # type: ignore[attr-defined]
    assert sum(owed) == 1500


async def test_what_comes_back_unpaid_is_set_off(it: Shop) -> None:
    await arrived(it, token="tok_capture_fails")
    assert it.money() == {"held": 0, "kept": 0}
    await it.accepted(back(3))
    await it.mesh.rest()
    await it.accepted(here(3))
    await it.mesh.rest()
    assert it.money() == {"held": 0, "kept": 0}
    (booked,) = await it.all("payments", "o-1", "RefundBooked")
    assert booked.data.set_off.amount == 3100  # type: ignore[attr-defined]
