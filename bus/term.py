"""What a domain's process does while it leads, and in which order that may begin."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bus.leader import Duty
from bus.mirror import StreamDiverged
from bus.relay import Relay

Start = Callable[[], Coroutine[Any, Any, None]]


class Term:
    """The relay begins first: in a store that was restored nothing else may begin at all.

    `halt` is told where the relay finds that out.
    """

    def __init__(
        self, relay: Relay, others: Sequence[Duty], halt: Callable[[StreamDiverged], None]
    ) -> None:
        self._relay = relay
        self._others = others
        self._halt = halt

    def duties(self) -> Sequence[Duty]:
        compared = [(name, self._once_compared(start)) for name, start in self._others]
        return [("relay", self._relaying), *compared]

    def _once_compared(self, start: Start) -> Start:
        async def run() -> None:
            await self._relay.compared.wait()
            await start()

        return run

    async def _relaying(self) -> None:
        try:
            await self._relay.run()
        except StreamDiverged as halt:
            self._halt(halt)
            raise
