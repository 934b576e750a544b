"""Live queries: `live.<view>.<key>` tells a row whenever it changes, to whoever listens.

One of the view's processes does, and costs nothing but looks for listeners while there are none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from bus.backoff import Backoff
from bus.broker.port import Broker, BrokerUnavailable
from bus.broker.waiting import passing
from bus.clock import Clock
from bus.halt import Halt
from bus.store.port import StoreUnavailable
from bus.views.port import ViewStore
from bus.views.telling import NotLeading, Telling

LOOK = 0.5
"""Seconds between two looks for listeners, as nothing tells that somebody has begun to listen. A
person does not notice them, and a server answers in a fraction of a millisecond."""

log = structlog.get_logger()


class Live:
    """Tells what `store` holds. `moved` is to be called when something may have changed."""

    def __init__(self, store: ViewStore, broker: Broker, clock: Clock) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._lease = store.lease()
        self._some = asyncio.Event()
        self._said = ""

    def moved(self) -> None:
        self._some.set()

    async def run(self, serving: Callable[[], bool]) -> None:
        """Goes on for ever, through outages, while `serving()`: only its version is asked then."""
        backoff = Backoff(self._clock)
        while True:
            try:
                await self._term(backoff, serving)
            except NotLeading:
                log.warning("another process tells live queries", view=self._store.view.name)
            except (StoreUnavailable, BrokerUnavailable, Halt) as error:
                self._say(error)
                await backoff.pause()
            except Exception as error:  # whatever it is, the view goes on, and so does this
                log.error("failed, starts again", view=self._store.view.name, exc_info=error)
                await backoff.pause()

    async def _term(self, backoff: Backoff, serving: Callable[[], bool]) -> None:
        while not serving():  # as the view's process looks by itself, every second
            await self._clock.sleep(LOOK)
        try:
            await self._lease.acquire()
            noted = await self._store.noted()
            await self._tell(Telling(self._store, self._broker, self._lease, noted), backoff)
        finally:
            with suppress(StoreUnavailable):
                await self._lease.release()

    async def _tell(self, telling: Telling, backoff: Backoff) -> None:
        while self._lease.held:
            self._some.clear()
            try:
                more = await telling.round()
                backoff.reset()
                self._said = ""
            except (StoreUnavailable, BrokerUnavailable) as error:
                self._say(error)
                await backoff.pause()
                continue
            if not telling.heard:
                await self._clock.sleep(LOOK)
            elif not more:
                # Until something may have changed, or it is time to look who listens.
                await passing(self._clock, LOOK, self._some)

    def _say(self, error: Exception) -> None:
        """Once, however often it is tried."""
        if str(error) != self._said:
            self._said = str(error)
            log.warning("live queries wait", view=self._store.view.name, reason=self._said)
