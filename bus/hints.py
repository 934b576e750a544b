"""A process that does not lead tells the leader's relay what it has committed."""

from __future__ import annotations

import asyncio

import structlog

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable

log = structlog.get_logger()


class Hints:
    """One that is lost costs a little time: the relay looks by itself every few seconds."""

    def __init__(self, domain: str, broker: Broker) -> None:
        self._domain = domain
        self._broker = broker
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """Those that are being sent."""
        return frozenset(self._sending)

    def send(self) -> None:
        """Does not wait until it is sent."""
        hint = asyncio.create_task(self._send())
        self._sending.add(hint)
        hint.add_done_callback(self._sending.discard)

    async def sent(self) -> None:
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _send(self) -> None:
        try:
            await self._broker.publish(subjects.hint(self._domain), b"")
        except BrokerUnavailable as error:
            log.debug("no hint", domain=self._domain, reason=str(error))
