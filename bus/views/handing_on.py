"""Questions that have come to a process whose version of the view is no longer asked.

Another version has taken over a moment ago, and whoever asked could not know. So the question
goes on to a process of that version: nobody gets an error, nor an older answer than before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bus import replies
from bus.broker.port import Broker, BrokerUnavailable, NoResponders, Reply, Request
from bus.intake import Invalid
from bus.replies import AT_LEAST

PATIENCE = 3.0
"""Seconds that a question may take on this way."""
PAUSE = 0.02
"""Seconds between attempts while the other process has not subscribed yet: it tells nobody."""


class HandingOn:
    """`replaced` is called when somebody has found that another version is asked; it has this
    process take no more questions, and then calls `withdrawn`."""

    def __init__(self, broker: Broker, replaced: Callable[[], None]) -> None:
        self._broker = broker
        self._replaced = replaced
        self._withdrawn = asyncio.Event()

    def withdrawn(self) -> None:
        self._withdrawn.set()

    async def ask(self, request: Request) -> Reply:
        """The other version's answer. Raises Invalid where it does not come in time."""
        self._replaced()
        wanted = {n: value for n, value in request.headers.items() if n.lower() == AT_LEAST.lower()}
        try:
            async with asyncio.timeout(PATIENCE):
                await self._withdrawn.wait()
                while True:
                    try:
                        return await self._broker.request(request.subject, request.body, wanted)
                    except NoResponders:
                        await asyncio.sleep(PAUSE)
        except (TimeoutError, BrokerUnavailable):
            message = "another version of the view takes over: ask again"
            raise Invalid(replies.unavailable("TakingOver", message)) from None
