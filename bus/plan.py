"""A batch before it is written: each work decided on what the earlier ones have left.

A plan holds all that one append writes, and what to tell each sender afterwards. If the
append finds that something it rests on has changed, the plan is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from bus import answers, envelope
from bus.clock import Ids
from bus.contract import tag
from bus.decider import Domain, NotYet, Refused
from bus.duties import Call, Deadline, Duty
from bus.envelope import Key, Recorded
from bus.messages import Command, Event
from bus.states import Folded, State, Unreadable
from bus.store.port import Append, DutyRow, Moved, NewEvent, Parked, ReactionRefused, Receipt
from bus.work import (
    Accepted,
    Cause,
    Failed,
    Outcome,
    Stale,
    Superseded,
    TooLarge,
    TurnedDown,
    Work,
    Written,
    WrongVersion,
)

ENVELOPE_ROOM = 4096
"""Bytes of max_payload that are left for subject and headers."""


class _TooLarge(Exception):
    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size)
        self.outcome = TooLarge(size, limit)


@dataclass(slots=True)
class _Draft:
    """What one work adds to the plan, kept apart until the whole work has been decided."""

    now: datetime
    states: dict[Key, State] = field(default_factory=dict)
    events: list[NewEvent] = field(default_factory=list)
    duties: dict[str, DutyRow | None] = field(default_factory=dict)
    refusals: list[tuple[Command, Refused]] = field(default_factory=list)


class Decided:
    """A work with its outcome; `last` counts the plan's events up to and with its own."""

    __slots__ = ("last", "outcome", "work")

    def __init__(self, work: Work, outcome: Outcome, last: int) -> None:
        self.work = work
        self.outcome = outcome
        self.last = last


class Plan:
    """`base` looks up what is known of an aggregate beneath this plan."""

    def __init__(
        self, domain: Domain, base: Callable[[Key], Folded | None], ids: Ids, max_payload: int
    ) -> None:
        self._domain = domain
        self._base = base
        self._ids = ids
        self._limit = max_payload - ENVELOPE_ROOM
        self.states: dict[Key, Folded] = {}
        self.expected: dict[Key, int] = {}
        self.events: list[NewEvent] = []
        self.decided: list[Decided] = []
        self.command_ids: set[str] = set()
        self._duties: dict[str, DutyRow | None] = {}
        self._moved: dict[str, Moved] = {}
        self._refusals: list[ReactionRefused] = []

    @property
    def duty_kinds(self) -> Set[str]:
        """The kinds of the duties that the plan starts."""
        return {row.kind for row in self._duties.values() if row is not None}

    def missing(self, work: Work) -> Sequence[Key]:
        """The aggregates that must be loaded before `work` can be decided."""
        return [key for key in self._reads(work) if self._known(key) is None]

    def learn(self, states: Mapping[Key, Folded]) -> None:
        """Takes what was loaded; what the plan knows already is newer."""
        for key, state in states.items():
            self.states.setdefault(key, state)

    def add(self, work: Work, now: datetime, stale: str | None = None) -> NotYet | None:
        """Decides `work`. Gives back a NotYet that is still to be settled: nothing was added.

        `stale` settles one: "" if the copy is up to date, else the upstream that is ahead.
        """
        if work.moved and not self._follows(work.moved):
            self.decided.append(Decided(work, Superseded(), len(self.events)))
            return None
        draft = _Draft(now)
        try:
            outcome = (
                Failed(RuntimeError("parked"))
                if work.always_park
                else self._decide(work, draft, stale)
            )
        except NotYet as open_question:
            return open_question
        except _TooLarge as too_large:
            outcome = too_large.outcome
        except Exception as error:  # whatever a decider raises is its own command's failure
            outcome = Failed(error)
        self._take(work, outcome, draft)
        return None

    def append(self) -> Append:
        """All that the decided works write."""
        works = [decided.work for decided in self.decided if _writes(decided.outcome)]
        return Append(
            expected=self.expected,
            events=self.events,
            receipts=[receipt for d in self.decided if (receipt := _receipt(d)) is not None],
            moved=list(self._moved.values()),
            duties=[row for row in self._duties.values() if row is not None],
            settled=[name for name, row in self._duties.items() if row is None],
            fired=[work.fired for work in works if work.fired is not None],
            parked=[parked for d in self.decided if (parked := _parked(d)) is not None],
            unparked=[work.unparked for work in works if work.unparked is not None],
            refusals=self._refusals,
        )

    def _reads(self, work: Work) -> Sequence[Key]:
        if work.always_park:
            return ()
        try:
            return [key for command in work.commands for key in self._domain.reads(command)]
        except Exception:  # it fails again, and is answered, when it is decided
            return ()

    def _known(self, key: Key) -> Folded | None:
        return self.states.get(key) or self._base(key)

    def _decide(self, work: Work, draft: _Draft, stale: str | None) -> Outcome:
        for command in work.commands:
            try:
                self._decide_one(command, work, draft)
            except NotYet as open_question:
                if stale is None and work.moved is None and work.fired is None:
                    raise
                if stale:
                    return Stale(stale)
                draft.refusals.append((command, open_question.refusal))
            except Refused as refusal:
                draft.refusals.append((command, refusal))
        if work.expected_version is not None:
            actual = self._before(work)
            if actual != work.expected_version:
                draft.events.clear()
                return WrongVersion(actual)
        if draft.refusals:
            return TurnedDown(draft.refusals[0][1], 0)
        return self._accepted(work, draft)

    def _decide_one(self, command: Command, work: Work, draft: _Draft) -> None:
        keys = self._domain.reads(command)
        found = {key: self._read(key, draft) for key in keys}
        states = {key: state.value for key, state in found.items()}
        for key, event in self._domain.decide(command, states, draft.now):
            self._record(key, event, work.cause, draft)

    def _read(self, key: Key, draft: _Draft) -> State:
        state = draft.states.get(key) or self._known(key)
        if isinstance(state, Unreadable):
            raise state.error
        if state is None:
            raise LookupError(f"{key} was not loaded")
        self.states.setdefault(key, state)
        self.expected.setdefault(key, state.version)
        return state

    def _record(self, key: Key, event: Event, cause: Cause, draft: _Draft) -> None:
        before = self._read(key, draft)
        version, name = before.version + 1, tag(type(event))
        event_id = self._ids()
        body = envelope.encode(
            event=event,
            event_id=event_id,
            domain=self._domain.name,
            key=key,
            version=version,
            dataversion=self._domain.contract.dataversion(name),
            time=draft.now,
            correlation_id=cause.correlation_id,
            causation_id=cause.causation_id,
            traceparent=cause.traceparent,
        )
        if len(body) > self._limit:
            raise _TooLarge(len(body), self._limit)
        draft.events.append(NewEvent(event_id, key, version, name, body))
        draft.states[key] = State(version, self._domain.evolve(key, before.value, event))
        self._note_duties(key, event, draft, cause)

    def _note_duties(self, key: Key, event: Event, draft: _Draft, cause: Cause) -> None:
        written = draft.events[-1]
        recorded = Recorded(
            domain=self._domain.name,
            position=0,  # has none before it is written
            event_id=written.event_id,
            aggregate=key.aggregate,
            id=key.id,
            version=written.version,
            type=written.type,
            time=draft.now,
            correlation_id=cause.correlation_id,
            causation_id=cause.causation_id,
            data=event,
        )
        for duty in self._domain.duties(recorded):
            draft.duties[duty.name] = _row(duty, recorded)

    def _before(self, work: Work) -> int:
        (key, *_) = self._domain.reads(work.commands[0])
        state = self.states[key]
        return state.version if isinstance(state, State) else 0

    def _accepted(self, work: Work, draft: _Draft) -> Accepted:
        written = [Written(event.key, event.type, event.version) for event in draft.events]
        version = 0
        if len(work.commands) == 1:
            (key, *_) = self._domain.reads(work.commands[0])
            version = self._read(key, draft).version
        return Accepted(written, version, 0)

    def _follows(self, moved: Moved) -> bool:
        known = self._moved.get(moved.upstream)
        return known is None or known.after == moved.before

    def _take(self, work: Work, outcome: Outcome, draft: _Draft) -> None:
        if work.identity is not None:
            self.command_ids.add(work.identity.command_id)
        if _writes(outcome):
            self.states.update(draft.states)
            self.events.extend(draft.events)
            self._duties.update(draft.duties)
        if work.moved is not None:
            self._move(work, work.moved, draft)
        self.decided.append(Decided(work, outcome, len(self.events)))

    def _move(self, work: Work, moved: Moved, draft: _Draft) -> None:
        first = self._moved.get(moved.upstream, moved)
        self._moved[moved.upstream] = Moved(moved.upstream, first.before, moved.after)
        self._refusals.extend(
            ReactionRefused(
                moved.upstream,
                moved.after.position,
                tag(type(command)),
                command.id,
                refusal.code,
                refusal.message,
            )
            for command, refusal in draft.refusals
        )


def _writes(outcome: Outcome) -> bool:
    return isinstance(outcome, Accepted | TurnedDown)


def _parked(decided: Decided) -> Parked | None:
    """What takes the place of a reaction that failed; says what the failure was."""
    work, outcome = decided.work, decided.outcome
    if work.moved is None or work.parked_if_failed is None:
        return None
    match outcome:
        case Failed() if work.always_park:
            return work.parked_if_failed
        case Failed(error=error):
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            return work.parked_if_failed._replace(reason=reason)
        case TooLarge(size=size, limit=limit):
            reason = f"it would lead to an event of {size} bytes; {limit} is the most"
            return work.parked_if_failed._replace(reason=reason)
        case _:
            return None


def _receipt(decided: Decided) -> Receipt | None:
    identity = decided.work.identity
    if identity is None or not isinstance(decided.outcome, Accepted | TurnedDown):
        return None
    answer = answers.encode(decided.outcome)
    return Receipt(identity.command_id, identity.digest, answer, decided.last)


def _row(duty: Duty, recorded: Recorded[Event]) -> DutyRow | None:
    match duty:
        case Deadline(name=name, at=at, command=command):
            kind, due, body = "deadline", at, msgspec.json.encode(command)
        case Call(name=name, request=request):
            kind, due, body = "call", recorded.time, msgspec.json.encode(request)
        case _:
            return None
    return DutyRow(name, due, kind, body, recorded.event_id, recorded.correlation_id)
