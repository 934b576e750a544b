"""Looks through all rows of a build all the time, and has put right what is not right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bus.backoff import Backoff
from bus.broker.port import BrokerUnavailable
from bus.clock import Clock
from bus.halt import Halt
from bus.store.port import StoreUnavailable
from bus.views.mending import Mending
from bus.views.port import Superseded, ViewStore

MANY = 10_000
"""Rows from which on nobody expects all of them to be looked at within seconds."""
SHARE, SHARE_OF_MANY = 0.2, 0.04
"""Of the time, at most, that a process of a view spends on looking: it must not take from the
shop what the shop needs, however many rows there are."""
REST = 0.5
"""Seconds between two walks, at least."""
BREATH = 0.01
"""Seconds between two pages, at least: what is to be written has its turn."""
LONGEST = 30.0
"""Seconds that one look counts for, at most: the system's clock may have been set meanwhile."""

log = structlog.get_logger()

T = TypeVar("T")


class Verifier:
    """Walks the build that `store` works on. Several processes of a view may: what one has put
    right is right for the others."""

    def __init__(self, store: ViewStore, mending: Mending, clock: Clock) -> None:
        self._store = store
        self._mending = mending
        self._clock = clock
        self._share = SHARE

    async def run(self, falls: Callable[[], bool] = lambda: True) -> None:
        """Goes on for ever, through outages, while the rows fall to this process."""
        backoff = Backoff(self._clock)
        while True:
            try:
                if falls():
                    await self.walk()
                await self._clock.sleep(REST)
            except Superseded:  # the build has gone: another one is there, or will be
                await self._clock.sleep(REST)
            except (StoreUnavailable, BrokerUnavailable, Halt) as error:
                log.debug("not verified", view=self._store.view.name, reason=str(error))
                await backoff.pause()

    async def walk(self) -> None:
        """All rows once. Raises Halt, Superseded, StoreUnavailable, BrokerUnavailable."""
        rows = (await self._store.sums()).rows
        self._share = SHARE if rows < MANY else SHARE_OF_MANY
        cursor = ""
        while True:
            page = await self._measured(self._store.walk(cursor))
            if page.altered:
                await self._mending.keys(page.altered)
            cursor = page.next
            if not cursor:
                break
        if not await self._measured(self._store.intact()):
            await self._mending.all()

    async def _measured(self, work: Awaitable[T]) -> T:
        """Waits afterwards for as long as the share of the time demands."""
        # By the clock that is handed in: where a test owns the time, how long to wait must not
        # depend on how busy the machine is.
        began = self._clock.now()
        done = await work
        spent = min((self._clock.now() - began).total_seconds(), LONGEST)
        await self._clock.sleep(max(BREATH, spent * (1 / self._share - 1)))
        return done
