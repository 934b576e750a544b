"""What goes into a store and comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from bus.envelope import Key


class NewEvent(NamedTuple):
    """An event to append. `body` is the envelope's bytes: stored, hashed, published as is."""

    event_id: str
    key: Key
    version: int
    type: str
    body: bytes


class StoredEvent(NamedTuple):
    position: int
    event_id: str
    key: Key
    version: int
    type: str
    body: bytes


class Snapshot(NamedTuple):
    """A state as JSON in `body`: that after the event `event_id`, the `version`-th of `key`.

    `shape` names the structure that the state has, `seal` is 32 bytes that bind the body to
    it and to that event. What they mean is `bus/snapshots.py`'s business.
    """

    key: Key
    version: int
    event_id: str
    shape: str
    body: bytes
    seal: bytes


class Past(NamedTuple):
    """What an aggregate's state is made of: events in order, from the snapshot's own one on
    where there is a snapshot, else from the first on."""

    snapshot: Snapshot | None
    events: Sequence[StoredEvent]


NOTHING = Past(None, ())
"""The past of an aggregate that is new."""


class Head(NamedTuple):
    """The last position of a store (0 when empty) and the hash chain up to it.

    `digest` is 32 bytes: sha256(previous digest || body), from 32 zero bytes.
    """

    position: int
    digest: bytes


class Checkpoint(NamedTuple):
    """How far a reader is in a stream, and which event is there. (0, "") is the start."""

    position: int
    event_id: str


START = Checkpoint(0, "")


class Receipt(NamedTuple):
    """The answer to a command, kept with its effect.

    `digest` identifies subject and payload. `answer` is the reply's JSON without its
    position; `last` counts the batch's events up to and with this command's own, so that
    the stored position is the head before the batch plus `last`.
    """

    command_id: str
    digest: bytes
    answer: bytes
    last: int


class StoredReceipt(NamedTuple):
    digest: bytes
    answer: bytes
    position: int


class DutyRow(NamedTuple):
    """A deadline or an outside call that is owed.

    `kind` is "deadline" or "call", `body` the JSON of the tagged command or request,
    `event_id` the event that started it, `correlation_id` that event's.
    """

    name: str
    due: datetime
    kind: str
    body: bytes
    event_id: str
    correlation_id: str


class Fired(NamedTuple):
    """A duty that is fulfilled: this very one, not a later one of the same name."""

    name: str
    event_id: str


class Moved(NamedTuple):
    """The reaction's place in `upstream` moves in the append's own transaction."""

    upstream: str
    before: Checkpoint
    after: Checkpoint


class Parked(NamedTuple):
    """An upstream event that a reader could not take, or that stands behind one.

    `key` is what is parked, `body` the event's bytes, `reason` one line.
    """

    reader: str
    key: str
    position: int
    body: bytes
    reason: str


class ParkedRow(NamedTuple):
    reader: str
    key: str
    position: int
    body: bytes
    reason: str
    attempts: int
    since: datetime


class ReactionRefused(NamedTuple):
    """A command of a reaction that the domain's own rules turned down."""

    upstream: str
    position: int
    command: str
    id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Append:
    """All that one transaction writes, or nothing of it.

    `expected` holds the version of every aggregate that was read (0: has no events).
    `fired` names duties that must still be there and are deleted; `settled` names duties
    that are deleted if there. `unparked` are (reader, key, position), which must still be
    there and are deleted. What is deleted goes before what is written under the same name.
    """

    expected: Mapping[Key, int] = field(default_factory=dict)
    events: Sequence[NewEvent] = ()
    receipts: Sequence[Receipt] = ()
    moved: Sequence[Moved] = ()
    duties: Sequence[DutyRow] = ()
    settled: Sequence[str] = ()
    fired: Sequence[Fired] = ()
    parked: Sequence[Parked] = ()
    unparked: Sequence[tuple[str, str, int]] = ()
    refusals: Sequence[ReactionRefused] = ()
