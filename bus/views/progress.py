"""Read your writes: a query can wait until a view has come to given positions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from bus import replies
from bus.broker.waiting import within
from bus.intake import Invalid
from bus.replies import AT_LEAST, Answer
from bus.views.port import Asks

PATIENCE = 2.0
"""Seconds until a query that waits is answered `unavailable`."""
LOOK = 0.1
"""Seconds after which a waiting query looks again: another process may have moved the view."""

Positions = Mapping[str, int]
"""By domain."""

_pair = re.compile(r"\s*([a-z][a-z0-9_]*)\s*=\s*([0-9]{1,18})\s*")


class Progress:
    """Where a view is, for those who wait for it; `hurry` is called when somebody does."""

    def __init__(self, store: Asks, hurry: Callable[[], None]) -> None:
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

    async def reached(self, wanted: Positions) -> None:
        """Returns when the rows have been folded up to `wanted`. Raises Invalid."""
        if self._halted:
            raise Invalid(replies.unavailable("ViewStopped", self._halted))
        # Counted, not cancelled: a client of a store may swallow a cancellation, and the
        # question would never be answered.
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while missing := await self._missing(wanted):
            if loop.time() >= until:
                raise Invalid(_behind(missing, wanted))
            await self._some_move()

    async def _missing(self, wanted: Positions) -> Positions:
        """Where the view is, in the streams in which it is not far enough."""
        if not wanted:
            return {}
        async with self._store.snapshot() as snapshot:
            at = snapshot.positions
        return {domain: at[domain] for domain, n in wanted.items() if at[domain] < n}

    async def _some_move(self) -> None:
        moved = self._moved
        self._hurry()
        await within(LOOK, moved)


def wanted(headers: Mapping[str, str], after: Positions, domains: set[str]) -> Positions:
    """The positions that a request asks for, in its header or its body's `after`; the further
    ones where both do. Raises Invalid."""
    found = dict(at_least(headers, domains))
    for domain, position in after.items():
        if domain not in domains:
            message = f"after names {domain!r}, but this view follows {_names(domains)}"
            raise Invalid(replies.invalid("InvalidBody", message, field="after"))
        found[domain] = max(position, found.get(domain, 0))
    return found


def at_least(headers: Mapping[str, str], domains: set[str]) -> Positions:
    """The positions that a header asks for. Raises Invalid."""
    text = next((value for name, value in headers.items() if name.lower() == AT_LEAST.lower()), "")
    found = {}
    for part in filter(None, text.split(",")):
        match = _pair.fullmatch(part)
        if match is None or match[1] not in domains:
            message = f"{AT_LEAST} must be like ordering=4711; this view follows {_names(domains)}"
            raise Invalid(replies.invalid("InvalidHeader", message, header=AT_LEAST))
        found[match[1]] = int(match[2])
    return found


def _names(domains: set[str]) -> str:
    return ", ".join(sorted(domains))


def _behind(missing: Positions, wanted: Positions) -> Answer:
    """It says how far the view is, and by how much that is too little."""
    where = ", ".join(
        f"{domain}={at}, {wanted[domain] - at} behind" for domain, at in sorted(missing.items())
    )
    message = f"the view has not come to these positions yet: it is at {where}; ask again"
    return replies.unavailable("CatchingUp", message, positions=missing)
