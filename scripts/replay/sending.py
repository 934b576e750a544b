"""Sends events to a subject: the very bytes, in order, no faster than the server takes them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from bus.broker.port import Broker, BrokerUnavailable, MessageTooLarge, StreamMissing
from bus.owner import Delivered

DOMAIN, POSITION, TYPE = "Trueup-Domain", "Trueup-Position", "Trueup-Type"
"""Headers that say what a message is."""


class Broken(Exception):
    """Nothing more can be sent. What was taken for certain ends at `position`."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position


class Sending:
    """`position` is the last event that the server has taken, 0 before the first."""

    def __init__(self, broker: Broker, domain: str, subject: str) -> None:
        self._broker = broker
        self._domain = domain
        self.subject = subject
        self._reconnects = broker.reconnects
        self.position = 0

    async def send(self, run: Sequence[Delivered]) -> None:
        """Returns when the server has taken all. Raises Broken."""
        try:
            for position, type, body in run:
                headers = {DOMAIN: self._domain, POSITION: str(position), TYPE: type}
                await self._broker.publish(self.subject, body, headers)
            await self._taken()
        except (BrokerUnavailable, MessageTooLarge) as error:
            raise Broken(self.position, str(error)) from None
        self.position = run[-1].position

    async def _taken(self) -> None:
        """A server answers in the order in which it was asked: so it has passed on what came
        before, and has slowed us down where it could not."""
        with contextlib.suppress(StreamMissing):  # an answer, too
            await self._broker.stream_state(self._domain)
        if self._broker.reconnects != self._reconnects:
            raise BrokerUnavailable("the connection broke meanwhile")
