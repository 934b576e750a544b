"""What one work adds to a batch: kept apart until all of its commands have been decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from bus import envelope
from bus.clock import Ids
from bus.decider import Domain, NotYet, Refused
from bus.duties import Call, Deadline, Duty
from bus.envelope import Key, Recorded
from bus.messages import Command, Event, tag
from bus.states import State
from bus.store.port import DutyRow, NewEvent
from bus.work import Accepted, Outcome, Stale, TooLarge, TurnedDown, Work, Written, WrongVersion


class EventTooLarge(Exception):
    """`outcome` says by how much."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size)
        self.outcome = TooLarge(size, limit)


class Draft:
    """`beneath` gives an aggregate's state without this work; `limit` is the largest event.

    A duty that is None has been settled.
    """

    __slots__ = (
        "_addressed",
        "_beneath",
        "_domain",
        "_ids",
        "_limit",
        "_now",
        "_seen",
        "_work",
        "duties",
        "events",
        "refusals",
        "states",
    )

    def __init__(
        self,
        domain: Domain,
        work: Work,
        now: datetime,
        *,
        beneath: Callable[[Key], State],
        ids: Ids,
        limit: int,
    ) -> None:
        self._domain = domain
        self._work = work
        self._now = now
        self._beneath = beneath
        self._ids = ids
        self._limit = limit
        self._addressed: Key | None = None
        self._seen: dict[Key, State] = {}
        self.states: dict[Key, State] = {}
        self.events: list[NewEvent] = []
        self.duties: dict[str, DutyRow | None] = {}
        self.refusals: list[tuple[Command, Refused]] = []

    def decide(self, stale: str | None) -> Outcome:
        """Decides all commands. Raises NotYet while `stale` is None, and what deciders raise."""
        work = self._work
        for number, command in enumerate(work.commands):
            try:
                self._decide(command, work.reads[number] if work.reads else None)
            except NotYet as open_question:
                if stale is None and work.moved is None and work.fired is None:
                    raise
                if stale:
                    return Stale(stale)
                self.refusals.append((command, open_question.refusal))
            except Refused as refusal:
                self.refusals.append((command, refusal))
        if work.expected_version is not None and work.expected_version != (
            actual := self._version_before()
        ):
            return WrongVersion(actual)
        if self.refusals:
            return TurnedDown(self.refusals[0][1], 0)
        return self._accepted()

    def _decide(self, command: Command, keys: Sequence[Key] | None) -> None:
        keys = keys or self._domain.reads(command)
        self._addressed = self._addressed or keys[0]
        states = {key: self._read(key).value for key in keys}
        for key, event in self._domain.decide(command, states, self._now):
            self._record(key, event)

    def _read(self, key: Key) -> State:
        found = self.states.get(key) or self._seen.get(key)
        if found is None:
            found = self._seen[key] = self._beneath(key)
        return found

    def _record(self, key: Key, event: Event) -> None:
        before = self._read(key)
        version, name, event_id = before.version + 1, tag(type(event)), self._ids()
        body = self._body(event, event_id, key, version, name)
        self.events.append(NewEvent(event_id, key, version, name, body))
        self.states[key] = State(version, self._domain.evolve(key, before.value, event))
        if self._domain.has_duties:
            self._note_duties(event, event_id, key, version, name)

    def _body(self, event: Event, event_id: str, key: Key, version: int, name: str) -> bytes:
        cause = self._work.cause
        body = envelope.encode(
            event=event,
            event_id=event_id,
            domain=self._domain.name,
            key=key,
            version=version,
            dataversion=self._domain.contract.dataversion(name),
            time=self._now,
            correlation_id=cause.correlation_id,
            causation_id=cause.causation_id,
            traceparent=cause.traceparent,
        )
        if len(body) > self._limit:
            raise EventTooLarge(len(body), self._limit)
        return body

    def _note_duties(self, event: Event, event_id: str, key: Key, version: int, name: str) -> None:
        cause = self._work.cause
        recorded = Recorded(
            domain=self._domain.name,
            position=0,  # has none before it is written
            event_id=event_id,
            aggregate=key.aggregate,
            id=key.id,
            version=version,
            type=name,
            time=self._now,
            correlation_id=cause.correlation_id,
            causation_id=cause.causation_id,
            data=event,
        )
        for duty in self._domain.duties(recorded):
            self.duties[duty.name] = _row(duty, recorded)

    def _version_before(self) -> int:
        """Of the aggregate that the first command is addressed to."""
        return self._beneath(self._addressed).version if self._addressed else 0

    def _accepted(self) -> Accepted:
        written = [Written(event.key, event.type, event.version) for event in self.events]
        version = 0
        if self._addressed is not None and len(self._work.commands) == 1:
            version = self._read(self._addressed).version
        return Accepted(written, version, 0)


def _row(duty: Duty, recorded: Recorded[Event]) -> DutyRow | None:
    match duty:
        case Deadline(name=name, at=at, command=command):
            kind, due, body = "deadline", at, msgspec.json.encode(command)
        case Call(name=name, request=request):
            kind, due, body = "call", recorded.time, msgspec.json.encode(request)
        case _:
            return None
    return DutyRow(name, due, kind, body, recorded.event_id, recorded.correlation_id)
