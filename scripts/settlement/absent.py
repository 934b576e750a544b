"""The orders whose money has moved, and of which no settlement report tells all yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.clock import Clock
from bus.log import Tracked
from projections.reconciliation import VIEW
from scripts.sender import MeshSilent

AT_ONCE = 1000
"""Orders a page."""
TRIES, PAUSE = 30, 1.0
"""How often, and after how many seconds each, somebody is asked who can't answer yet."""

A = TypeVar("A")


class _Order(Struct):
    id: str


class _Page(Struct):
    status: str
    rows: Sequence[_Order] = ()
    next: str | None = None
    message: str = ""


class Absent:
    """Asks the view, once it has heard all that payments has told."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock

    async def between(self, since: datetime | None, until: datetime) -> AsyncIterator[str]:
        """Those whose money last moved in that time. Raises MeshSilent."""
        head = (await self._ask(subjects.log_tracking("payments"), {}, Tracked)).head
        asked: dict[str, Any] = {"until": until, "limit": AT_ONCE, "after": {"payments": head}}
        if since is not None:
            asked["since"] = since
        subject = subjects.query(VIEW.name, "unsettled")
        following: str | None = None
        while True:
            page = await self._ask(subject, {**asked, "page": following}, _Page)
            for row in page.rows:
                yield row.id
            if (following := page.next) is None:
                return

    async def _ask(self, subject: str, question: Any, shape: type[A]) -> A:
        reason = ""
        for _ in range(TRIES):
            try:
                reply = await self._broker.request(subject, msgspec.json.encode(question))
                if not (reason := reply.headers.get("Nats-Service-Error", "")):
                    return msgspec.json.decode(reply.body, type=shape)
            except (NoResponders, BrokerUnavailable) as error:
                reason = str(error) or "nobody answers"
            await self._clock.sleep(PAUSE)
        raise MeshSilent(f"{subject}: {reason}. See `scripts/trueup status`.")
