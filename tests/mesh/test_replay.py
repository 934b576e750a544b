"""History once more, over a running shop."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from bus.broker.port import Broker, Request
from bus.testing.ground import Ground, MemoryGround
from domains.inventory.messages import ReceiveStock
from domains.ordering.domain import DOMAIN as ORDERING
from scripts.replay.history import History
from scripts.replay.once_more import send
from scripts.replay.pace import Pace
from scripts.replay.sending import DOMAIN, POSITION, TYPE, Sending
from tests.mesh.shop import Shop, line, order, shop
from tests.mesh.test_trimmed import trim, trimmed_ground

__all__ = ["trimmed_ground"]
INTO = "replay.ordering"


class Listener:
    def __init__(self) -> None:
        self.found: list[Request] = []
        self.came = asyncio.Event()

    def take(self, request: Request) -> None:
        self.found.append(request)
        self.came.set()

    async def until(self, count: int) -> Sequence[Request]:
        async with asyncio.timeout(20):
            while len(self.found) < count:
                self.came.clear()
                await self.came.wait()
        return self.found


async def orders(it: Shop, count: int) -> None:
    await it.accepted(ReceiveStock(id="tea", quantity=count))
    for n in range(count):
        await it.accepted(order(f"o-{n}", line("tea")))
    await it.mesh.rest()


async def replayed(broker: Broker, stretch: range) -> Sequence[Request]:
    listener = Listener()
    await broker.subscribe(INTO, listener.take)
    turns = Pace(None).turns(History(broker, ORDERING.contract).of(stretch))
    await send(Sending(broker, "ordering", INTO), stretch, turns, Console(file=io.StringIO()))
    return await listener.until(len(stretch))


async def test_all_bytes_of_all_positions_come_in_order(ground: Ground) -> None:
    async with shop(ground) as it:
        await orders(it, 4)
        head = await History(it.mesh.broker, ORDERING.contract).head()
        stored = await it.mesh.stores["ordering"].read(0, 1000)
        assert head == len(stored)
        found = await replayed(it.mesh.broker, range(1, head + 1))
        assert [one.body for one in found] == [event.body for event in stored]
        for number, one in enumerate(found, start=1):
            assert one.headers[DOMAIN] == "ordering"
            assert one.headers[POSITION] == str(number)
            assert f'"type":"{one.headers[TYPE]}"' in one.body.decode()
            assert await it.mesh.broker.stream_get("ordering", number) == one.body


async def test_a_stretch_is_just_that(ground: Ground) -> None:
    async with shop(ground) as it:
        await orders(it, 3)
        found = await replayed(it.mesh.broker, range(3, 6))
        assert [one.headers[POSITION] for one in found] == ["3", "4", "5"]


@pytest.mark.parametrize("start", [1, 3])
async def test_what_the_stream_has_let_go_of_comes_from_the_owner(
    trimmed_ground: Ground, start: int
) -> None:
    async with shop(trimmed_ground) as it:
        await orders(it, 4)
        if isinstance(trimmed_ground, MemoryGround):
            await trim(trimmed_ground, it.mesh, "ordering")
        state = await it.mesh.broker.stream_state("ordering")
        assert state.first > 4
        found = await replayed(it.mesh.broker, range(start, state.last + 1))
        stored = await it.mesh.stores["ordering"].read(start - 1, 1000)
        assert [one.body for one in found] == [event.body for event in stored]


async def test_an_empty_history_sends_nothing(ground: Ground) -> None:
    async with shop(ground) as it:
        assert await replayed(it.mesh.broker, range(1, 1)) == []
