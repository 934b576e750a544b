"""Looks at what does not agree, and reports it once it can't be delay any more.

Nothing is remembered here: what is due is a row's own, and what has been reported comes back
with RECONCILIATION. So it may be killed at any point, and several may look at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Raw, Struct
from msgspec.structs import replace

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.clock import Clock, SystemClock
from bus.log import Tracked
from bus.messages import Command
from bus.tasks import together
from bus.view import sortable
from domains.reconciliation.messages import (
    ReactAgain,
    Remedy,
    ReportDivergence,
    ResolveDivergence,
)
from projections.reconciliation.facts import VIEW, Row, Task

EVERY = 0.5
"""Seconds between looks."""
AT_ONCE = 100
"""Rows in one look, those that have waited longest. Where there were as many divergences to tell
of, there may be more, and the next look follows at once: it sees what this one has told."""

A = TypeVar("A")

log = structlog.get_logger()


class Silent(Exception):
    """Somebody who must be asked first does not answer: nothing can be told from late."""


class _Answer(Struct):
    status: str
    rows: Sequence[Row] = ()
    message: str = ""


class _Logged(Struct):
    event: Raw


class _Page(Struct):
    events: Sequence[_Logged]


class Reconciler:
    """A divergence counts once it has been there for `grace`, all streams have been read as far as
    they were when nothing more happened to it, and those who owe something have got past what
    obliges them.
    """

    def __init__(self, broker: Broker, grace: timedelta, clock: Clock | None = None) -> None:
        self._broker = broker
        self._grace = grace
        self._clock = clock or SystemClock()

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            told = 0
            try:
                told = await self.look()
            except Silent as reason:
                log.debug("not looked at", reason=str(reason))
            except Exception:  # the view beside it must go on, and the next look may do better
                log.exception("could not look at what is due")
            if told < AT_ONCE:
                await self._clock.sleep(EVERY)

    async def look(self) -> int:
        """One look. Gives of how many divergences it told, all together. Raises Silent."""
        if not await self._due():
            return 0
        tracked = await self._all_tracked()
        # What had happened by then was caused by what has happened by now.
        heads = {domain: each.head for domain, each in (await self._all_tracked()).items()}
        telling = [
            self._tell(row, task, heads)
            for row in await self._due(after=heads)
            if not self._goes_on(row, tracked)
            for task in row.tasks
            if self._counts(task, tracked)
        ]
        return sum(await together(telling))

    def _goes_on(self, row: Row, tracked: Mapping[str, Tracked]) -> bool:
        """Something of it is newer, and its causes and effects may be to come."""
        return any(facts.position > tracked[domain].head for domain, facts in row.facts.items())

    async def _all_tracked(self) -> Mapping[str, Tracked]:
        domains = [source.contract.domain for source in VIEW.sources]
        return {domain: await self._tracked(domain) for domain in domains}

    def _counts(self, task: Task, tracked: Mapping[str, Tracked]) -> bool:
        return task.due <= self._before() and all(
            tracked[owed.domain].positions.get(owed.upstream, 0) >= owed.position
            for owed in task.owed
        )

    def _before(self) -> str:
        return sortable(self._clock.now() - self._grace)

    async def _tell(self, row: Row, task: Task, positions: Mapping[str, int]) -> bool:
        """Whether it was taken."""
        facts = Raw(msgspec.json.encode(row.facts))
        if task.found is None:
            resolved = ResolveDivergence(
                id=task.id, facts=facts, positions=positions, seen=task.seen
            )
            return await self._send(resolved)
        found = task.found
        reported = ReportDivergence(
            id=task.id,
            rule=found.rule,
            of=row.of,
            said=found.said,
            amount=found.amount,
            remedy=await self._complete(found.remedy),
            facts=facts,
            positions=positions,
            since=found.since,
            seen=task.seen,
        )
        return await self._send(reported)

    async def _complete(self, remedy: Remedy | None) -> Remedy | None:
        """With the event that is to be taken again."""
        if not isinstance(remedy, ReactAgain):
            return remedy
        question = {"after": remedy.position - 1, "limit": 1}
        found = await self._ask(subjects.log_read(remedy.upstream), question, _Page)
        if not found.events:
            raise Silent(f"{remedy.upstream} has no event {remedy.position}")
        return replace(remedy, event=found.events[0].event)

    async def _send(self, command: Command) -> bool:
        """A refusal would be a fault of ours: it is logged, and the next look tells it again."""
        name = type(command).__name__
        answer = await self._ask(
            subjects.command("reconciliation", name, command.id), command, _Answer
        )
        if answer.status != "accepted":
            log.error("not taken", command=name, id=command.id, reason=answer.message)
        return answer.status == "accepted"

    async def _due(self, after: Mapping[str, int] | None = None) -> Sequence[Row]:
        question: dict[str, Any] = {"before": self._clock.now() - self._grace, "limit": AT_ONCE}
        if after is not None:
            question["after"] = dict(after)
        answer = await self._ask(subjects.query(VIEW.name, "due"), question, _Answer)
        if answer.status != "ok":
            raise Silent(answer.message)
        return answer.rows

    async def _tracked(self, domain: str) -> Tracked:
        return await self._ask(subjects.log_tracking(domain), {}, Tracked)

    async def _ask(self, subject: str, question: Any, shape: type[A]) -> A:
        try:
            reply = await self._broker.request(subject, msgspec.json.encode(question))
            return msgspec.json.decode(reply.body, type=shape)
        except (NoResponders, BrokerUnavailable) as error:
            raise Silent(f"{subject}: {error}") from error
        except msgspec.MsgspecError as error:
            said = reply.body[:200].decode(errors="replace")
            raise Silent(f"{subject} answers {said}") from error
