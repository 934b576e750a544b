"""The shop's own views over a running shop, on doubles and on real servers."""

from __future__ import annotations

from bus.testing.ground import Ground
from domains.catalog.messages import ListProduct
from domains.ordering.messages import CancelOrder
from domains.shipping.messages import DeliverShipment, DispatchShipment
from projections import orders, payments, products, sales, stock
from tests.mesh.shop import Shop, card, euro, line, order, shop, voucher

VIEWS = [orders.VIEW, payments.VIEW, products.VIEW, sales.VIEW, stock.VIEW]


async def one_of_each(it: Shop) -> None:
    """An order that arrives, one that is cancelled after payment, one that can't be."""
    await it.accepted(ListProduct(id="tea", name="Tea", price=euro(1000), category="drinks"))
    await it.stock(tea=5, cup=1)
    both = [line("tea", 2, seller="s-1"), line("cup", cents=2000, seller="s-2")]
    await it.accepted(order("o-1", *both, payments=[voucher(500), card(3700)]))
    await it.accepted(order("o-2", line("tea", 1)))
    await it.accepted(order("o-3", line("tea", 9)))
    await it.mesh.rest()
    for parcel in (1, 2):
        await it.accepted(DispatchShipment(id="o-1", parcel=parcel))
        await it.accepted(DeliverShipment(id="o-1", parcel=parcel))
    await it.accepted(CancelOrder(id="o-2"))
    await it.mesh.rest()


async def test_the_views_tell_the_same_story(ground: Ground) -> None:
    async with shop(ground, views=VIEWS) as it:
        await one_of_each(it)
        ask = it.mesh.query
        states = {}
        for id in ("o-1", "o-2", "o-3"):
            row = await ask("orders", "get", id)
            states[id] = (row["state"], row["cancel_cause"])
        assert states == {
            "o-1": ("delivered", None),
            "o-2": ("cancelled", "customer"),
            "o-3": ("cancelled", "unavailable"),
        }
        told = [one["domain"] for one in (await ask("orders", "get", "o-1"))["timeline"]]
        assert told[0] == "ordering"
        assert set(told) == {"ordering", "inventory", "payments", "shipping"}
        paid = (await ask("payments", "get", "o-1"))["payments"]
        assert [(one["type"], one["state"]) for one in paid] == [
            ("voucher", "settled"),
            ("credit_card", "captured"),
        ]
        (back,) = (await ask("payments", "get", "o-2"))["payments"]
        assert back["state"] == "voided"
        tea = await ask("stock", "get", "tea")
        assert (tea["on_hand"], tea["reserved"], tea["shipped"]) == (3, 0, 2)
        by_category = (await ask("sales", "by_category"))["rows"]
        assert [(row["category"], row["units"], row["revenue"]) for row in by_category] == [
            ("", 1, 2000),
            ("drinks", 2, 2000),
        ]
        assert (await ask("products", "get", "tea"))["category"] == "drinks"


async def test_two_workers_of_each_view_and_a_killed_one_change_nothing(ground: Ground) -> None:
    async with shop(ground, views=[*VIEWS, *VIEWS]) as it:
        await it.accepted(order("o-0", line("tea", 1)))
        for worker in it.mesh.workers[: len(VIEWS)]:
            await worker.kill()
        del it.mesh.workers[: len(VIEWS)]
        await one_of_each(it)
        for view in VIEWS:
            await it.mesh.start_worker(view)
        await it.mesh.rest()
        counts = (await it.mesh.query("orders", "counts"))["rows"]
        assert {(row["state"], row["cancel_cause"]): row["count"] for row in counts} == {
            ("cancelled", "customer"): 1,
            ("cancelled", "unavailable"): 2,
            ("delivered", None): 1,
        }
        (month,) = (await it.mesh.query("sales", "by_month"))["rows"]
        assert (month["units"], month["revenue"], month["freight"]) == (3, 4000, 200)
        assert (await it.mesh.query("stock", "get", "tea"))["shipped"] == 2
