"""What those who listen to a view have been told, and what they are to be told next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bus.broker.port import Subscriber
from bus.store.port import StoreUnavailable
from bus.views.audience import Audience
from bus.views.changes import Changes, Lost, Mark, News, Told, stood, told

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

    def is_old(self, news: News) -> bool:
        """Whether whoever was told this knows that, too."""
        if news.mark.build == self.mark.build and news.mark.moment <= self.mark.moment:
            return True
        return news.row == self.row


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
    """What is to be told next, to those who know what was `sent` before: what has changed, and
    then how the rows are that somebody has begun to listen to. `listeners` have been told all
    after that."""

    changed: Told
    current: Sequence[News]
    sent: Mapping[str, Sent]
    listeners: frozenset[Subscriber]


async def next_step(changes: Changes, before: Heard, audience: Audience) -> Step:
    """There must be somebody who listens. Raises StoreUnavailable."""
    sent = {key: before.sent[key] for key in audience.keys if key in before.sent}
    after = await _after(changes, before, audience)
    try:
        found = await told(changes, after, None if audience.widely else sent.keys())
    except Lost:  # the rows were made anew: they are told where they are not what was told last
        mark = await _now(changes)
        found = Told(mark, await stood(changes, mark, sorted(sent)))
        sent = {key: one._replace(mark=NO_MARK) for key, one in sent.items()}
    new = {one: key for one, key in audience.singly.items() if one not in before.listeners}
    if not found.ended:  # what they are told first is how it is now
        return Step(found, (), sent, audience.all - new.keys())
    current = await stood(changes, found.mark, sorted({*new.values()}))
    return Step(found, current, sent, audience.all)


async def _after(changes: Changes, before: Heard, audience: Audience) -> Mark:
    """Where to go on. Whoever begins to listen to all rows, while nobody else does, has missed
    what has changed since the last look."""
    if not audience.widely:
        return before.mark if before.mark and before.sent else await _now(changes)
    if before.widely and before.mark:
        return before.mark
    missed = min(time.monotonic() - before.looked, LONGEST) + SLACK
    back = await changes.ago(missed)
    if before.mark is None:
        return back
    return min(back, before.mark) if back.build == before.mark.build else before.mark


async def _now(changes: Changes) -> Mark:
    standing = await changes.standing(changes.serving)
    if standing is None:
        raise StoreUnavailable("the view was lost and is built anew")
    return Mark(changes.serving, standing.moment)
