"""Somebody who asks until there is an answer that stands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bus.broker.port import Broker, BrokerUnavailable, NoResponders, Reply
from scripts.chaos.mesh import Broken

PAUSE = 0.05
"""Seconds until one who is told to ask again does so."""
FIRST = 5.0
"""Seconds that one waits for an answer; each time when none has come, twice as long: who asks a
busy machine again only makes it busier."""
PATIENCE = 120.0
"""Seconds after which a question that nobody answers breaks the run."""


class Patient:
    """`again` counts how often somebody had to ask once more."""

    def __init__(self, broker: Broker) -> None:
        self.again = 0
        self._broker = broker

    async def ask(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The first answer that is not to ask again. Raises Broken."""
        wait = FIRST
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        reply = await self._broker.request(subject, body, headers, wait)
                        if reply.headers.get("Nats-Service-Error-Code") != "503":
                            return reply
                    except NoResponders:
                        pass
                    except BrokerUnavailable:
                        wait *= 2
                    self.again += 1
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            raise Broken(f"nobody answers {subject} {body.decode()[:300]}") from None
