"""Forgets receipts that are older than is promised; a few at a time, beside all else."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bus.clock import Clock
from bus.store.port import Store, StoreUnavailable

GRACE = 600.0
"""Seconds from the beginning: what was delivered before a long stand-still, and not
acknowledged, comes again now and must find its receipt."""
PAUSE = 60.0
"""Seconds between rounds."""
PORTION = 500
BREATH = 0.02
"""Seconds between portions, in which others use the database."""

log = structlog.get_logger()


class Trimming:
    """`kept` is how long a receipt lives; `trimmed` counts those that have gone."""

    def __init__(self, store: Store, clock: Clock, kept: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept
        self.trimmed = 0

    async def run(self) -> None:
        """Trims until cancelled."""
        await self._clock.sleep(GRACE)
        while True:
            try:
                await self.trim()
            except StoreUnavailable as error:
                log.info("receipts not trimmed", reason=str(error))
            await self._clock.sleep(PAUSE)

    async def trim(self) -> None:
        """Forgets all that is too old now."""
        before = self._clock.now() - self._kept
        while gone := await self._store.trim_receipts(before, PORTION):
            self.trimmed += gone
            await self._clock.sleep(BREATH)
