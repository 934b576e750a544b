"""What a domain's process has to decide: the unit that goes into a batch whole or not at all.

Commands from outside, reactions and fulfilled duties all take this way, so that all of
them share one group commit and one cache of states.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from msgspec import Struct

from bus.decider import Refused
from bus.envelope import Key
from bus.messages import Command
from bus.store.port import Fired, Moved, Parked

log = structlog.get_logger()


class Cause(Struct, frozen=True, gc=False):
    """Where a command comes from; goes into the envelopes of the events it leads to.

    `causation_id` is `<domain>:<position>` of an event or the command's id; of an id that looks
    like an event, `command:<id>`.
    """

    correlation_id: str
    causation_id: str
    traceparent: str | None = None


class Identity(NamedTuple):
    """What a receipt is kept under: the command's id and a digest of subject and payload."""

    command_id: str
    digest: bytes


class Written(Struct, frozen=True, gc=False):
    """An event that a command led to."""

    key: Key
    type: str
    version: int


class Accepted(Struct, frozen=True):
    """`events` may be empty: the command changed nothing. `version` is that of the
    aggregate it was addressed to, `position` the store's after the command."""

    events: Sequence[Written]
    version: int
    position: int
    replayed: bool = False


class TurnedDown(Struct, frozen=True):
    """The business rules refused the command (of a reaction: at least one of its commands)."""

    refusal: Refused
    position: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """The answer rests on a copy of `upstream` that is behind. Nothing is kept: try again."""

    upstream: str


@dataclass(frozen=True, slots=True)
class WrongVersion:
    """The aggregate is at `actual`, not at the version that the sender expected."""

    actual: int


@dataclass(frozen=True, slots=True)
class IdReused:
    """The command's id has a receipt for another subject or payload."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """Another process has moved the upstream or fulfilled the duty; nothing was written."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The decision raised something else than a refusal; nothing was written."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Postponed:
    """The store can't be reached, or the event would not fit the broker; nothing is known to
    have been written. `reason` is a sentence; `unknown` as in StoreUnavailable."""

    reason: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """An event that the command leads to would not fit into the broker's max_payload."""

    size: int
    limit: int


Outcome = (
    Accepted
    | TurnedDown
    | Stale
    | WrongVersion
    | IdReused
    | Superseded
    | Failed
    | Postponed
    | TooLarge
)


class Work(Struct, kw_only=True, eq=False):
    """One or more commands that are written in one transaction with what belongs to them.

    `identity` asks for a receipt. `fired` is the duty that this fulfils: if it has gone,
    the outcome is Superseded. With `moved`, refused commands are recorded beside the move
    and the others go through; and if a decision raises, `parked_if_failed` is written in
    place of the events (outcome Failed), so that the upstream moves on all the same.
    `always_park` writes `parked_if_failed` without deciding: its key is parked already.
    `unparked` is a parked (reader, key, position) that this work replaces.

    `reads` are the aggregates of each command, once somebody has looked.
    `listener` is called with the outcome, which is in `told` from then on.
    """

    commands: Sequence[Command]
    cause: Cause
    identity: Identity | None = None
    expected_version: int | None = None
    moved: Moved | None = None
    fired: Fired | None = None
    parked_if_failed: Parked | None = None
    always_park: bool = False
    unparked: tuple[str, str, int] | None = None
    reads: Sequence[Sequence[Key]] | None = None
    listener: Callable[[Outcome], None] | None = None
    told: Outcome | None = None
    _outcome: Future[Outcome] | None = None

    @property
    def outcome(self) -> Future[Outcome]:
        """Done when the outcome is told. Made when it is first asked for: most works have
        a listener, which costs a tenth."""
        if self._outcome is None:
            self._outcome = get_running_loop().create_future()
            if self.told is not None:
                self._outcome.set_result(self.told)
        return self._outcome


def tell(work: Work, outcome: Outcome) -> None:
    """Settles `work`, unless it has been settled."""
    if work.told is not None:
        return
    work.told = outcome
    if work._outcome is not None and not work._outcome.done():  # or whoever awaited it has gone
        work._outcome.set_result(outcome)
    listener, work.listener = work.listener, None  # which often refers to the work: no cycle
    if listener is not None:
        try:
            listener(outcome)
        except Exception:  # its own fault: what is written is written, and others are waiting
            log.exception("an outcome could not be told", outcome=type(outcome).__name__)
