"""Tells payments what a settlement report says: one command an order, each under an id that is made
of its content. So the same report, or a part of it, counts once.

An order whose money has moved, and that the report does not name, has a report, too: that there was
nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from bus.broker.port import Broker
from bus.clock import Clock
from domains.payments.messages import Movement, ReportSettlement
from scripts.sender import Answer, Sender
from scripts.settlement.absent import Absent

AT_ONCE = 1000
"""Orders that are told of at a stretch."""


class Settled(Struct):
    """How many orders were told of, how many of these the report does not name, and of how many
    that was news; what was refused, and why."""

    orders: int
    absent: int
    news: int
    refused: Sequence[str]


class Settler:
    """The report covers the time up to `until`, and from `since` on if that is given."""

    def __init__(
        self, broker: Broker, clock: Clock, since: datetime | None, until: datetime
    ) -> None:
        self._since = since
        self._until = until
        self._absent = Absent(broker, clock)
        self._sender = Sender(broker, clock)

    async def settle(
        self, orders: Mapping[str, Sequence[Movement]], told: Callable[[int, int], None]
    ) -> Settled:
        """`told` gets how many orders have been told of, and of how many. Raises MeshSilent."""
        moved = [id async for id in self._absent.between(self._since, self._until)]
        absent = [id for id in moved if id not in orders]
        ids, answers = [*orders, *absent], list[Answer]()
        for start in range(0, len(ids), AT_ONCE):
            told(start, len(ids))
            stretch = ids[start : start + AT_ONCE]
            answers += await asyncio.gather(*(self._tell(id, orders.get(id, ())) for id in stretch))
        told(len(ids), len(ids))
        refused = [
            f"{id}: {answer.message}"
            for id, answer in zip(ids, answers, strict=True)
            if answer.status != "accepted"
        ]
        news = sum(1 for answer in answers if answer.events and not answer.replayed)
        return Settled(len(ids), len(absent), news, refused)

    async def _tell(self, order: str, movements: Sequence[Movement]) -> Answer:
        command = ReportSettlement(
            id=order, since=self._since, until=self._until, movements=[*movements]
        )
        digest = hashlib.sha256(msgspec.json.encode(command)).hexdigest()[:32]
        return await self._sender.send("payments", command, f"settle:{digest}")
