"""More commands than a service can take: told so at once, and the rest go on as ever."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec

from bus import replies, service
from bus.broker.port import Reply
from bus.testing.ground import Ground
from domains.inventory.messages import ReceiveStock
from tests.mesh.shop import shop

FLOOD = 3 * service.WAITING
SUBJECT = "cmd.inventory.ReceiveStock.tea"


async def test_a_flood_is_answered_one_by_one_and_only_what_was_accepted_is_there(
    ground: Ground,
) -> None:
    async with shop(ground) as it:
        (inventory,) = [p for p in it.mesh.processes if p.domain.name == "inventory"]
        asking = [
            asyncio.create_task(it.mesh.broker.request(SUBJECT, b'{"quantity":1}', {}, 60.0))
            for _ in range(FLOOD)
        ]
        most = 0
        while not all(one.done() for one in asking):
            await it.mesh.ground.breathe()
            most = max(most, inventory.committer.waiting)
        told = Counter(status(one.result()) for one in asking)
        assert set(told) == {"accepted", "unavailable"}
        assert told["accepted"] >= service.WAITING
        assert most <= service.WAITING
        await it.mesh.rest()
        assert await it.stock_of("tea") == (told["accepted"], 0)
        # And it takes more as soon as there is room.
        await it.accepted(ReceiveStock(id="tea", quantity=1))


def status(reply: Reply) -> str:
    answer = msgspec.json.decode(reply.body)
    if answer["status"] == "unavailable":
        assert answer["code"] == "Overloaded"
        assert reply.headers["Retry-After"] == str(replies.RETRY_AFTER)
    return str(answer["status"])
