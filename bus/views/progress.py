"""Read your writes: a query can wait until a view has come to given positions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from bus import replies
from bus.broker.waiting import within
from bus.intake import Invalid
from bus.views.port import ViewStore

HEADER = "At-Least"
"""`ordering=4711, payments=12`: positions, as the replies to commands carry them."""
PATIENCE = 2.0
"""Seconds until a query that waits is answered `unavailable`."""
LOOK = 0.1
"""Seconds after which a waiting query looks again: another process may have moved the view."""

_pair = re.compile(r"\s*([a-z][a-z0-9_]*)\s*=\s*([0-9]{1,18})\s*")


class Progress:
    """Where a view is, for those who wait for it; `hurry` is called when somebody does."""

    def __init__(self, store: ViewStore, hurry: Callable[[], None]) -> None:
        self._store = store
        self._hurry = hurry
        self._moved = asyncio.Event()
        self._halted = ""

    def halt(self, reason: str) -> None:
        """From now on every query is answered `unavailable`, with the reason."""
        self._halted = reason

    def moved(self) -> None:
        """Wakes all who wait, to look again."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def reached(self, wanted: Mapping[str, int]) -> None:
        """Returns when the rows have been folded up to `wanted`. Raises Invalid."""
        if self._halted:
            raise Invalid(replies.unavailable("ViewStopped", self._halted))
        # Counted, not cancelled: a client of a store may swallow a cancellation, and the
        # question would never be answered.
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while wanted and not await self._there(wanted):
            if loop.time() >= until:
                message = "the view has not heard of these positions yet; ask again"
                raise Invalid(replies.unavailable("CatchingUp", message))
            await self._some_move()

    async def _there(self, wanted: Mapping[str, int]) -> bool:
        async with self._store.snapshot() as snapshot:
            return all(snapshot.positions[domain] >= n for domain, n in wanted.items())

    async def _some_move(self) -> None:
        moved = self._moved
        self._hurry()
        await within(LOOK, moved)


def at_least(headers: Mapping[str, str], domains: set[str]) -> Mapping[str, int]:
    """The positions that a request asks for. Raises Invalid."""
    text = next((value for name, value in headers.items() if name.lower() == HEADER.lower()), "")
    wanted = {}
    for part in filter(None, text.split(",")):
        match = _pair.fullmatch(part)
        if match is None or match[1] not in domains:
            known = ", ".join(sorted(domains))
            message = f"{HEADER} must be like ordering=4711; this view follows {known}"
            raise Invalid(replies.invalid("InvalidHeader", message, header=HEADER))
        wanted[match[1]] = int(match[2])
    return wanted
