"""Orders on their whole way through five domains, on doubles and on real servers."""

from __future__ import annotations

from bus.testing.ground import Ground
from domains.catalog.messages import ChangePrice, DelistProduct, ListProduct
from domains.ordering.messages import CancelOrder, Line, PlaceOrder
from domains.shipping.messages import DeliverShipment, DispatchShipment
from tests.mesh.shop import boleto, card, euro, line, order, shop, voucher


async def test_an_order_is_paid_shipped_and_delivered(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=5)
        await it.accepted(order("o-1", line("tea", 2)))
        await it.mesh.rest()
        await it.accepted(DispatchShipment(id="o-1"))
        await it.mesh.rest()
        await it.accepted(DeliverShipment(id="o-1"))
        await it.mesh.rest()
        assert await it.names("ordering", "o-1") == [
            "OrderPlaced",
            "PaymentRequested",
            "OrderConfirmed",
            "OrderShipped",
            "OrderDelivered",
        ]
        assert await it.stock_of("tea") == (3, 0)
        assert it.money() == {"held": 0, "kept": 2100}


async def test_an_order_is_priced_from_the_catalog(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.accepted(ListProduct(id="tea", name="Tea", price=euro(450), seller_id="s-9"))
        await it.accepted(tea("o-1", 2))  # at once: ordering may not have heard of it yet
        await it.accepted(ChangePrice(id="tea", price=euro(500)))
        await it.mesh.rest()
        await it.accepted(tea("o-2", 2))
        await it.accepted(DelistProduct(id="tea"))
        await it.mesh.rest()
        assert await it.refused(tea("o-3", 1)) == "ProductDelisted"
        totals = [
            (await it.only("ordering", id, "OrderPlaced")).data.total for id in ("o-1", "o-2")
        ]
        assert totals == [euro(900), euro(1000)]


def tea(id: str, quantity: int) -> PlaceOrder:
    return PlaceOrder(id=id, customer_id="c-7", lines=[Line(sku="tea", quantity=quantity)])


async def test_without_stock_the_order_is_cancelled_and_nothing_is_asked(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1, cup=5)
        await it.accepted(order("o-1", line("tea", 2), line("cup", 1)))
        await it.mesh.rest()
        cancelled = await it.only("ordering", "o-1", "OrderCancelled")
        assert cancelled.data.cause == "unavailable"
        assert it.provider.asked == []
        assert await it.stock_of("cup") == (5, 0)


async def test_each_seller_sends_a_parcel_and_cards_are_captured_by_parcel(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1, cup=1)
        both = [line("tea", seller="s-1"), line("cup", cents=2000, seller="s-2")]
        await it.accepted(order("o-1", *both, payments=[voucher(500), card(2700)]))
        await it.mesh.rest()
        await it.accepted(DispatchShipment(id="o-1", parcel=1))
        await it.mesh.rest()
        assert it.money() == {"held": 2100, "kept": 1100}
        await it.accepted(DispatchShipment(id="o-1", parcel=2))
        await it.mesh.rest()
        assert it.money() == {"held": 0, "kept": 3200}
        names = await it.names("ordering", "o-1")
        assert names[-2:] == ["OrderPartlyShipped", "OrderShipped"]


async def test_a_decline_gives_the_other_payments_back_and_frees_the_stock(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        paid = [voucher(100), card(500), card(500, token="tok_decline")]
        await it.accepted(order("o-1", line("tea"), payments=paid))
        await it.mesh.rest()
        cancelled = await it.only("ordering", "o-1", "OrderCancelled")
        assert cancelled.data.cause == "declined"
        assert it.money() == {"held": 0, "kept": 0}
        assert await it.stock_of("tea") == (1, 0)


async def test_an_order_waits_while_the_provider_is_down(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        it.provider.outage = True
        await it.accepted(order("o-1", line("tea")))
        await it.until_asked(1)
        it.provider.outage = False
        await it.until("ordering", "o-1", "OrderConfirmed")
        assert it.money() == {"held": 1100, "kept": 0}


async def test_a_lost_answer_is_asked_for_again_and_charged_once(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        it.provider.losing = 2
        await it.accepted(order("o-1", line("tea")))
        await it.until("ordering", "o-1", "OrderConfirmed")
        assert len(it.provider.report()) == 1
        assert it.money() == {"held": 1100, "kept": 0}


async def test_the_same_order_sent_again_is_placed_once(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=5)
        first = await it.accepted(order("o-1", line("tea")), command_id="c-1")
        again = await it.accepted(order("o-1", line("tea")), command_id="c-1")
        other = await it.accepted(order("o-1", line("tea")))
        await it.mesh.rest()
        assert again == {**first, "replayed": True}
        assert other["events"] == []
        assert await it.stock_of("tea") == (5, 1)


async def test_a_cancelled_order_frees_all(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=1)
        it.provider.boletos_wait = True
        await it.accepted(order("o-1", line("tea"), payments=[boleto(600), card(500)]))
        await it.mesh.rest()
        await it.accepted(CancelOrder(id="o-1", reason="changed my mind"))
        await it.until("payments", "o-1", "PaymentVoided")
        assert await it.stock_of("tea") == (1, 0)
        assert it.money() == {"held": 0, "kept": 0}
