"""One order's story over a running shop: nothing of it is missing, and it begins at the cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bus.testing.ground import Ground
from domains.ordering.messages import CancelOrder
from domains.shipping.messages import DispatchShipment
from projections import orders
from scripts.commands.mesh import contracts
from scripts.story.causes import cause_of
from scripts.story.gathering import Gathered, Gathering
from scripts.story.telling import Place, Told, tell
from tests.mesh.shop import Shop, boleto, card, line, order, shop


async def gathered(it: Shop, id: str) -> Gathered:
    return await Gathering(it.mesh.broker, contracts()).of(id)


async def everything(it: Shop, id: str) -> set[Place]:
    """By reading all stores: the order's aggregates, and the stock lines that name it."""
    found = set()
    for domain, store in it.mesh.stores.items():
        for event in await store.read(0, 1000):
            body = event.body.decode()
            if f'/{id}"' in body or f'"order_id":"{id}"' in body:
                found.add(Place(domain, event.position))
    return found


def types(told: Sequence[Told]) -> list[str]:
    return [one.chapter.envelope.type for one in told]


async def test_a_story_holds_all_of_the_order_and_nothing_of_another(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=5, cup=5)
        for id in ("o-1", "o-2"):
            await it.accepted(order(id, line("tea", 2), line("cup")), command_id=f"buy-{id}")
        await it.mesh.rest()
        await it.accepted(DispatchShipment(id="o-1", parcel=1), command_id="go")
        await it.accepted(CancelOrder(id="o-2"))
        await it.mesh.rest()
        for id in ("o-1", "o-2"):
            found = await gathered(it, id)
            assert not found.silent
            assert {one.place for one in found.chapters} == await everything(it, id)


async def test_each_event_stands_below_what_caused_it(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=5)
        await it.accepted(order("o-1", line("tea", 2), payments=[card(2100)]), command_id="buy")
        await it.mesh.rest()
        told = tell((await gathered(it, "o-1")).chapters)
        causes = {one.chapter.envelope.type: cause_of(one, contracts()) for one in told}
        assert types(told)[0] == "OrderPlaced"
        assert causes["OrderPlaced"] == ("command", "buy")
        assert causes["UnitsReserved"].name == f"{told[0].chapter.place} OrderPlaced"
        assert causes["PaymentAuthorized"].kind == "provider"
        assert [one.depth for one in told if one.depth == 0] == [0]


async def test_what_a_deadline_brought_about_is_said_to_come_from_it(ground: Ground) -> None:
    async with shop(ground) as it:
        await it.stock(tea=5)
        it.provider.boletos_wait = True
        await it.accepted(order("o-1", line("tea"), payments=[boleto(1100)]))
        await it.mesh.rest()
        it.mesh.clock.advance(timedelta(days=30))
        await it.until("ordering", "o-1", "OrderCancelled")
        told = tell((await gathered(it, "o-1")).chapters)
        causes = {one.chapter.envelope.type: cause_of(one, contracts()) for one in told}
        assert causes["OrderCancelled"].kind == "deadline"


async def test_a_service_that_is_down_is_named_and_told_of_from_its_stream(
    ground: Ground,
) -> None:
    async with shop(ground, views=[orders.VIEW]) as it:
        await it.stock(tea=5)
        await it.accepted(order("o-1", line("tea"), payments=[card(1100)]))
        await it.mesh.rest()
        whole = await everything(it, "o-1")
        (shipping,) = [p for p in it.mesh.processes if p.domain.name == "shipping"]
        await it.mesh.kill(shipping)
        found = await gathered(it, "o-1")
        assert (list(found.silent), found.viewed) == (["shipping"], True)
        assert {one.place for one in found.chapters} == whole
        assert not (await gathered(it, "o-9")).chapters
