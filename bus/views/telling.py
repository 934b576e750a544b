"""Tells those who listen how a view's rows change: each change once, in order.

What has been sent counts as told when the servers have answered the next question on the same
connection. Until then, or if that breaks, it is told from where it was told for certain.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from bus import replies, subjects
from bus.broker.port import Broker
from bus.plan import ENVELOPE_ROOM
from bus.replies import AT_LEAST
from bus.store.port import Lease
from bus.views.audience import Audience
from bus.views.changes import Mark, News
from bus.views.heard import Heard, Sent, next_step
from bus.views.partitions import whole
from bus.views.port import ViewStore

LIVE_ROW = "Live-Row"
"""The header that says why a row is told."""
CURRENT = "current"
"""Somebody has begun to listen to it."""
CHANGED = "changed"
GAP = 10.0
"""Seconds for which nobody may have looked when a process begins to tell: the one before loses its
lease, and this one gets it."""


class NotLeading(Exception):
    """Nothing more was told: another process may have begun to."""


class Telling:
    """What one process tells while it holds `lease`. `noted` is what the last one has noted."""

    def __init__(
        self, store: ViewStore, broker: Broker, lease: Lease, noted: Mark | None = None
    ) -> None:
        self._store = store
        self._broker = broker
        self._lease = lease
        self._part = store.view.name
        self._view = whole(self._part)
        self._noted = noted
        self._reconnects = broker.reconnects
        # Whoever listened to all rows then is told what has changed since.
        self._certain = Heard(time.monotonic() - GAP, mark=noted, widely=noted is not None)
        self._last = self._certain

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return self._last.mark is not None

    async def round(self) -> bool:
        """Looks who listens, and tells them. Whether there is more to tell at once.

        Raises NotLeading, BrokerUnavailable, StoreUnavailable, Replaced.
        """
        looked = time.monotonic()
        found = await self._broker.listeners(subjects.live(self._view, "*"))
        await self._confirm()
        self._last = await self._told(self._certain, Audience.of(found, self._part), looked)
        return not self._last.ended

    async def _confirm(self) -> None:
        """What was sent has come to the servers, unless the connection has broken meanwhile."""
        if self._broker.reconnects == self._reconnects:
            self._certain = self._last
        self._last, self._reconnects = self._certain, self._broker.reconnects
        mark = self._certain.mark if self._certain.widely else None
        if mark != self._noted:
            self._check()
            await self._store.note(mark)
            self._noted = mark

    async def _told(self, before: Heard, audience: Audience, looked: float) -> Heard:
        if not audience.all:
            return Heard(looked)
        async with self._store.changes() as changes:
            step = await next_step(changes, before, audience)
        sent, singly = dict(step.sent), audience.keys
        for news in step.changed.news:
            if subjects.is_token(news.key) and not _known(sent, news):
                await self._publish(CHANGED, news)
                if news.key in singly:
                    sent[news.key] = Sent(news.mark, news.row)
        for news in step.current:
            await self._publish(CURRENT, news)
            sent[news.key] = Sent(news.mark, news.row)
        mark, _, ended = step.changed
        return Heard(looked, step.listeners, mark, ended, bool(audience.widely), sent)

    async def _publish(self, why: str, news: News) -> None:
        body, headers = (news.row or "null").encode(), {LIVE_ROW: why}
        headers[AT_LEAST] = replies.at_least(news.positions)
        if len(body) > self._broker.max_payload - ENVELOPE_ROOM:
            message = f"the row {news.key} does not fit into one message: ask for parts of it"
            refusal = replies.error(413, "invalid", "TooLarge", message)
            body, headers = refusal.body, {**headers, **refusal.headers}
        self._check()
        await self._broker.publish(subjects.live(self._view, news.key), body, headers)

    def _check(self) -> None:
        if not self._lease.held:
            raise NotLeading


def _known(sent: Mapping[str, Sent], news: News) -> bool:
    return news.key in sent and sent[news.key].is_old(news)
