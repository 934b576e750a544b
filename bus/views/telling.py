"""Tells those who listen how a view's rows change: each change once, in order.

What has been sent counts as told when the servers have answered the next question on the same
connection. Until then, or if that breaks, it is told from where it was told for certain.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bus import replies, subjects
from bus.broker.port import Broker, Subscriber
from bus.plan import ENVELOPE_ROOM
from bus.replies import AT_LEAST
from bus.store.port import Lease
from bus.views.audience import Audience
from bus.views.changes import Changes, Lost, Mark, News, Told, stood, told
from bus.views.port import ViewStore

LIVE_ROW = "Live-Row"
"""The header that says why a row is told."""
CURRENT = "current"
"""Somebody has begun to listen to it."""
CHANGED = "changed"
GAP = 10.0
"""Seconds for which nobody may have looked when a process begins to tell: the one before loses its
lease, and this one gets it."""
SLACK = 1.0
"""Seconds that it may take until the store is asked what has changed since the last look."""
LONGEST = 60.0
"""Seconds that whoever begins to listen to all rows is told of, at most, from before the look at
which he is found."""


NO_MARK = Mark(0, 0)
"""Of no build: they are numbered from 1."""


class Sent(NamedTuple):
    """What was told last of a row, and the write up to which that holds."""

    mark: Mark
    row: str | None


@dataclass(frozen=True)
class Heard:
    """What those have been told who listened at a look: all up to `mark`, None where nobody did.

    `ended`: there was no more. `widely`: of all rows. `sent` is by the key of each row that
    somebody listens to singly, `looked` when that was, by the monotonic clock.
    """

    looked: float
    listeners: frozenset[Subscriber] = frozenset()
    mark: Mark | None = None
    ended: bool = True
    widely: bool = False
    sent: Mapping[str, Sent] = field(default_factory=dict)


class Step(NamedTuple):
    """What is to be told next, to those who know what was `sent` before."""

    told: Told
    sent: Mapping[str, Sent]
    current: Sequence[News]
    listeners: frozenset[Subscriber]


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
        self._view = store.view.name
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
        self._last = await self._told(self._certain, Audience.of(found), looked)
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
        kept = {key: sent for key, sent in before.sent.items() if key in audience.keys}
        async with self._store.changes() as changes:
            step = await _next(changes, before, audience, kept)
        sent = dict(step.sent)
        for news in step.told.news:
            if _is_news(news, sent.get(news.key)) and subjects.is_token(news.key):
                await self._publish(CHANGED, news)
                if news.key in audience.keys:
                    sent[news.key] = Sent(news.mark, news.row)
        for news in step.current:
            await self._publish(CURRENT, news)
            sent[news.key] = Sent(news.mark, news.row)
        widely = bool(audience.widely)
        return Heard(looked, step.listeners, step.told.mark, step.told.ended, widely, sent)

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


async def _next(
    changes: Changes, before: Heard, audience: Audience, kept: Mapping[str, Sent]
) -> Step:
    if kept or audience.widely:
        after = await _after(changes, before, audience)
    else:
        after = await _now(changes)
    try:
        found = await told(changes, after, None if audience.widely else kept.keys())
    except Lost:  # the rows were made anew: they are told where they are not what was told last
        mark = await _now(changes)
        found = Told(mark, await stood(changes, mark, sorted(kept)))
        kept = {key: sent._replace(mark=NO_MARK) for key, sent in kept.items()}
    new = {one: key for one, key in audience.singly.items() if one not in before.listeners}
    if not found.ended:  # what they are told first is how it is now
        return Step(found, kept, (), audience.all - new.keys())
    current = await stood(changes, found.mark, sorted({*new.values()}))
    return Step(found, kept, current, audience.all)


async def _after(changes: Changes, before: Heard, audience: Audience) -> Mark:
    """Where to go on. Whoever begins to listen to all rows, while nobody else does, has missed
    what has changed since the last look."""
    if not audience.widely or before.widely:
        return before.mark or await _now(changes)
    missed = min(time.monotonic() - before.looked, LONGEST) + SLACK
    back = await changes.ago(missed)
    if before.mark is None:
        return back
    return min(back, before.mark) if back.build == before.mark.build else before.mark


async def _now(changes: Changes) -> Mark:
    standing = await changes.standing(changes.serving)
    assert standing is not None
    return Mark(changes.serving, standing.moment)


def _is_news(news: News, sent: Sent | None) -> bool:
    """To whoever listens to the row singly."""
    if sent is None:
        return True
    known = news.mark.build == sent.mark.build and news.mark.moment <= sent.mark.moment
    return not known and news.row != sent.row
