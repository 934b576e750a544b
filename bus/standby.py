"""What a process sees that does not lead: no relay would tell it that its store was restored."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from bus.broker.port import BrokerUnavailable, StreamMissing
from bus.clock import Clock
from bus.mirror import Mirror, StreamDiverged
from bus.relay import CHECK
from bus.store.port import StoreUnavailable


class Standby:
    """Looks at the ends of stream and store every few seconds, unless this process is
    `leading`. `halt` is told why nothing more may be taken."""

    def __init__(
        self,
        mirror: Mirror,
        clock: Clock,
        leading: Callable[[], bool],
        halt: Callable[[StreamDiverged], None],
    ) -> None:
        self._mirror = mirror
        self._clock = clock
        self._leading = leading
        self._halt = halt

    async def run(self) -> None:
        while True:
            await self._clock.sleep(CHECK.total_seconds())
            if not self._leading():
                await self._look()

    async def _look(self) -> None:
        with suppress(StoreUnavailable, BrokerUnavailable, StreamMissing):
            try:
                await self._mirror.glance()
            except StreamDiverged as halt:
                self._halt(halt)
