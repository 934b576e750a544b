"""What a domain's process has to decide: the unit that goes into a batch whole or not at all.

Commands from outside, reactions and fulfilled duties all take this way, so that all of
them share one group commit and one cache of states.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec import Struct

from bus.decider import Refused
from bus.envelope import Key
from bus.messages import Command
from bus.store.port import Fired, Moved, Parked


class Cause(NamedTuple):
    """Where a command comes from; goes into the envelopes of the events it leads to.

    `causation_id` is `<domain>:<position>` of an event or the command's id.
    """

    correlation_id: str
    causation_id: str
    traceparent: str | None = None


class Identity(NamedTuple):
    """What a receipt is kept under: the command's id and a digest of subject and payload."""

    command_id: str
    digest: bytes


class Written(NamedTuple):
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


@dataclass(slots=True)
class Work:
    """One or more commands that are written in one transaction with what belongs to them.

    `identity` asks for a receipt. `fired` is the duty that this fulfils: if it has gone,
    the outcome is Superseded. With `moved`, refused commands are recorded beside the move
    and the others go through; and if a decision raises, `parked_if_failed` is written in
    place of the events (outcome Failed), so that the upstream moves on all the same.
    `always_park` writes `parked_if_failed` without deciding: its key is parked already.
    `unparked` is a parked (reader, key, position) that this work replaces.
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
    outcome: Future[Outcome] = field(default_factory=Future[Any])


def tell(work: Work, outcome: Outcome) -> None:
    """Settles `work`, unless it has been settled (or its sender has gone)."""
    if not work.outcome.done():
        work.outcome.set_result(outcome)
