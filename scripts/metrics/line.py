"""The page's connection to NATS: comes back by itself, and keeps nobody waiting for long."""

from __future__ import annotations

import asyncio

from bus.broker.nats import NatsBroker
from bus.broker.opening import without_passwords
from bus.broker.port import BrokerUnavailable
from bus.tasks import end

MOMENT = 1.0
"""Seconds that somebody who wants the page waits for the connection to be made."""


class Line:
    """Is made when it is first wanted. What takes long goes on, for whoever asks next."""

    def __init__(self, url: str) -> None:
        self.where = without_passwords(url)
        self._url = url
        self._opening: asyncio.Task[NatsBroker] | None = None

    async def broker(self) -> NatsBroker:
        """Raises BrokerUnavailable."""
        if self._opening is None or _failed(self._opening):
            self._opening = asyncio.create_task(self._open(), name="connecting")
        await asyncio.wait({self._opening}, timeout=MOMENT)
        if not self._opening.done():
            raise BrokerUnavailable(f"NATS has not answered yet at {self.where}")
        return self._opening.result()

    async def close(self) -> None:
        if self._opening is None:
            return
        if not self._opening.done():
            await end([self._opening])
        elif not _failed(self._opening):
            await self._opening.result().close()

    async def _open(self) -> NatsBroker:
        broker = NatsBroker(self._url, name="metrics")
        await broker.open()
        return broker


def _failed(opening: asyncio.Task[NatsBroker]) -> bool:
    """Once it is made, it is made again by itself."""
    return opening.done() and opening.exception() is not None
