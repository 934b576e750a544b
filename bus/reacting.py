"""One batch of upstream events on its way through the committer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bus.decider import Reaction
from bus.messages import Command
from bus.owner import Delivered, identify
from bus.store.port import Checkpoint, Moved, Parked
from bus.work import Cause, Outcome, Work

WINDOW = 512
"""Works that are under way at the same time."""


class Intent(NamedTuple):
    """What a reaction makes of an event; `reason` says why it could make nothing of it."""

    key: str
    at: Checkpoint
    cause: Cause
    commands: Sequence[Command] = ()
    reason: str = ""


def intend(reaction: Reaction, position: int, body: bytes) -> Intent:
    """Never raises: an event that nobody can take has a `reason`."""
    upstream = reaction.upstream.domain
    who = identify(body)
    key = who.subject or f"position/{position}"
    at = Checkpoint(position, who.id)
    cause = Cause(who.correlationid or who.id, f"{upstream}:{position}")
    try:
        recorded = reaction.upstream.decode(position, body)
        return Intent(key, at, cause, tuple(reaction.react(recorded)))
    except Exception as error:  # whatever it is, it is this event's alone
        return Intent(key, at, cause, reason=one_line(error))


def one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@dataclass(frozen=True, slots=True)
class Underway:
    intent: Intent
    work: Work


class Passage:
    """Submits the works of one batch pipelined, and settles them in order.

    Two events of one key are never under way together: if the first is parked, the second
    must be parked behind it. What needs no commands moves the place along with the next
    work, or with one of its own at the end.
    """

    def __init__(
        self,
        reader: str,
        reaction: Reaction,
        place: Checkpoint,
        submit: Callable[[Work], object],
    ) -> None:
        self._reader = reader
        self._reaction = reaction
        self._submit = submit
        self._underway: deque[Underway] = deque()
        self._keys: set[str] = set()
        self.place = place
        """Up to where works have been submitted."""

    def full(self, intent: Intent) -> bool:
        """Whether something must be settled before `intent` can be sent."""
        return len(self._underway) >= WINDOW or intent.key in self._keys

    def send(self, event: Delivered, intent: Intent, park: str = "") -> None:
        """Submits what `intent` says, or parks the event for the reason `park`."""
        reason = park or "the commands could not be decided"
        self._send(
            intent,
            Work(
                commands=() if park else intent.commands,
                cause=intent.cause,
                moved=self._moved(intent.at),
                parked_if_failed=Parked(
                    self._reader, intent.key, event.position, event.body, reason
                ),
                always_park=bool(park),
            ),
        )

    def skip(self, intent: Intent) -> None:
        """Moves on to an event that needs nothing, on its own."""
        self._send(intent, Work(commands=(), cause=intent.cause, moved=self._moved(intent.at)))

    async def settled(self) -> tuple[Underway, Outcome] | None:
        """The oldest work under way, once it has its outcome; None when there is none."""
        if not self._underway:
            return None
        first = self._underway[0]
        outcome = await first.work.outcome
        self._underway.popleft()
        self._keys.discard(first.intent.key)
        return first, outcome

    async def drain(self) -> None:
        """Waits for all that is under way, whatever comes of it."""
        if self._underway:
            await asyncio.wait([underway.work.outcome for underway in self._underway])

    def _send(self, intent: Intent, work: Work) -> None:
        self._underway.append(Underway(intent, work))
        self._keys.add(intent.key)
        self._submit(work)
        self.place = intent.at

    def _moved(self, after: Checkpoint) -> Moved:
        return Moved(self._reaction.upstream.domain, self.place, after)
