"""Each race has one right outcome, whoever is quicker: on doubles and on real servers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bus.testing.ground import Ground
from domains.ordering.messages import CancelOrder
from domains.shipping.messages import DeliverShipment, DispatchShipment
from tests.mesh.shop import boleto, card, line, order, shop

EXPIRY = timedelta(days=11)


async def test_cancel_while_the_provider_is_being_asked(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        it.provider.hold()
        await it.accepted(order("o-1", line("tea")))
        await it.until_asked(1)
        await it.accepted(CancelOrder(id="o-1"))
        await it.until("payments", "o-1", "ReturnBooked")
        it.provider.release()
        await it.mesh.rest()
        assert await it.names("payments", "o-1") == [
            "AuthorizationRequested",
            "ReturnBooked",
            "PaymentAuthorized",
            "VoidRequested",
            "PaymentVoided",
        ]
        assert await it.stock_of("tea") == (1, 0)
        assert it.money() == {"held": 0, "kept": 0}
        assert "OrderConfirmed" not in await it.names("ordering", "o-1")


async def test_expiry_before_the_last_payment(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        it.provider.boletos_wait = True
        await it.accepted(order("o-1", line("tea"), payments=[card(500), boleto(600)]))
        await it.mesh.rest()
        await it.mesh.advance(EXPIRY)
        it.provider.pay("o-1")
        await it.until("payments", "o-1", "PaymentRefunded")
        await it.mesh.rest()
        cancelled = await it.only("ordering", "o-1", "OrderCancelled")
        assert cancelled.data.cause == "expired"
        assert it.money() == {"held": 0, "kept": 0}
        assert await it.stock_of("tea") == (1, 0)


async def test_the_last_payment_before_expiry(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        it.provider.boletos_wait = True
        await it.accepted(order("o-1", line("tea"), payments=[card(500), boleto(600)]))
        await it.mesh.rest()
        it.provider.pay("o-1")
        await it.until("ordering", "o-1", "OrderConfirmed")
        await it.mesh.advance(EXPIRY)
        assert "OrderCancelled" not in await it.names("ordering", "o-1")
        assert it.money() == {"held": 500, "kept": 600}


async def test_cancel_when_one_parcel_has_left_and_one_has_not(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1, cup=1)
        await it.accepted(order("o-1", line("tea", seller="s-1"), line("cup", seller="s-2")))
        await it.mesh.rest()
        await it.accepted(DispatchShipment(id="o-1", parcel=1))
        await it.accepted(CancelOrder(id="o-1"))
        await it.mesh.rest()
        ends = {"LinesCancelled", "OrderShipped", "OrderCancelled", "CancellationRefused"}
        names = await it.names("ordering", "o-1")
        assert [name for name in names if name in ends] == ["LinesCancelled", "OrderShipped"]
        assert await it.stock_of("tea") == (0, 0)
        assert await it.stock_of("cup") == (1, 0)
        assert it.money() == {"held": 0, "kept": 1100}
        assert await it.refused(DispatchShipment(id="o-1", parcel=2)) == "CalledOff"
        await it.accepted(DeliverShipment(id="o-1", parcel=1))
        await it.mesh.rest()
        assert (await it.names("ordering", "o-1"))[-1] == "OrderDelivered"


async def test_cancel_and_dispatch_at_the_same_moment(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=20)
        ids = [f"o-{number}" for number in range(20)]
        for id in ids:
            await it.accepted(order(id, line("tea")))
        await it.mesh.rest()
        for id in ids:
            await asyncio.gather(
                it.mesh.send(CancelOrder(id=id)), it.mesh.send(DispatchShipment(id=id))
            )
        await it.mesh.rest()
        shipped = 0
        for id in ids:
            names = await it.names("ordering", id)
            ends = [name for name in names if name in ("OrderCancelled", "OrderShipped")]
            assert len(ends) == 1, names
            shipped += ends == ["OrderShipped"]
        assert await it.stock_of("tea") == (20 - shipped, 0)
        assert it.money() == {"held": 0, "kept": shipped * 1100}


async def test_a_parcel_that_has_left_stays_sold(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        await it.accepted(order("o-1", line("tea")))
        await it.mesh.rest()
        await it.accepted(DispatchShipment(id="o-1"))
        await it.mesh.rest()
        assert await it.refused(CancelOrder(id="o-1")) == "AlreadyShipped"
        assert it.money() == {"held": 0, "kept": 1100}


async def test_the_providers_answer_arrives_twice(ground: Ground) -> None:
    async with shop(ground, processes=2) as it:
        await it.stock(tea=1)
        it.provider.losing = 3
        await it.accepted(order("o-1", line("tea")))
        await it.until("ordering", "o-1", "OrderConfirmed")
        assert len(await it.all("payments", "o-1", "PaymentAuthorized")) == 1
        assert it.money() == {"held": 1100, "kept": 0}


async def test_two_orders_for_the_last_unit_from_two_processes(ground: Ground) -> None:
    async with shop(ground, processes=2) as it:
        await it.stock(tea=1)
        await asyncio.gather(
            it.accepted(order("o-1", line("tea"))), it.accepted(order("o-2", line("tea")))
        )
        await it.mesh.rest()
        ends = sorted([(await it.names("ordering", id))[-1] for id in ("o-1", "o-2")])
        assert ends == ["OrderCancelled", "OrderConfirmed"]
        assert await it.stock_of("tea") == (1, 1)
        assert it.money() == {"held": 1100, "kept": 0}


async def test_nothing_is_sold_twice_under_many_orders_from_two_processes(ground: Ground) -> None:
    async with shop(ground, processes=2) as it:
        await it.stock(tea=7, cup=5)
        orders = [order(f"o-{n}", line("tea"), line("cup")) for n in range(30)]
        await asyncio.gather(*[it.accepted(one) for one in orders])
        await it.mesh.rest()
        confirmed = 0
        for one in orders:
            confirmed += "OrderConfirmed" in await it.names("ordering", one.id)
        assert confirmed == 5
        assert await it.stock_of("tea") == (7, 5)
        assert await it.stock_of("cup") == (5, 5)
