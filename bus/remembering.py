"""Aggregates that are only remembered: one fact says what they were elsewhere, and nothing goes on.

A decider of living aggregates gets one state more, `Past`, and one command that leads to it. Books
that were wrong there are put right by entries, each by a command of its own. All else that is asked
of what is past is refused, so that no rule of the living has to know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bus.decider import Decider, Refused, Span, States
from bus.messages import Command, Event


class Past(Struct, frozen=True):
    """What was elsewhere, as `fact` says; `entries` have put its books right since."""

    fact: Event
    entries: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Remembering:
    """`command` records `fact`, which `record(command, now)` makes of it, or raises Refused.

    `exists` is the code of the refusal where the id is taken: by a living aggregate, or with
    other content. `past` is that of every other command to what is past, but for the `entries`:
    each of these commands books what its function makes of it, which may be nothing, or raises
    Refused. `lives` is the code of the refusal of these where nothing of the past is there.
    """

    command: type[Command]
    fact: type[Event]
    record: Callable[[Any, datetime], Event]
    exists: str
    past: str
    entries: Mapping[type[Command], Callable[[Any, Past], Sequence[Event]]] = field(
        default_factory=dict
    )
    lives: str = "NotPast"

    def beside(self, living: Decider) -> Decider:
        """`living`, which may now be past instead. Keeps no snapshots."""

        def decide(command: Command, state: Any, now: datetime) -> Sequence[Event]:
            if isinstance(command, self.command):
                return self._recorded(command, state, living.initial, now)
            if (book := self.entries.get(type(command))) is not None:
                return book(command, self._past(command.id, state))
            self.refuse(command.id, state)
            return living.decide(command, state, now)

        def evolve(state: Any, event: Event) -> Any:
            if isinstance(event, self.fact):
                return Past(event)
            if isinstance(state, Past):
                return replace(state, entries=(*state.entries, event))
            return living.evolve(state, event)

        return Decider(living.initial, decide, evolve)

    def guard(self, spans: Mapping[type[Command], Span]) -> Mapping[type[Command], Span]:
        """The same decisions, refused where one of the aggregates they read is past."""
        return {command: self._guarded(span) for command, span in spans.items()}

    def refuse(self, id: str, state: Any) -> None:
        """Raises Refused where `state` is past."""
        if isinstance(state, Past):
            raise Refused(self.past, f"{id} is of the past: it is remembered, and stays as it was.")

    def _past(self, id: str, state: Any) -> Past:
        if isinstance(state, Past):
            return state
        raise Refused(self.lives, f"{id} is not of the past: no entry puts it right.")

    def _recorded(
        self, command: Command, state: Any, initial: Any, now: datetime
    ) -> Sequence[Event]:
        fact = self.record(command, now)
        if state == initial:
            return [fact]
        if isinstance(state, Past) and state.fact == fact:
            return []
        raise Refused(self.exists, f"{command.id} is there already, and says something else.")

    def _guarded(self, span: Span) -> Span:
        def decide(command: Any, states: States, now: datetime) -> Any:
            for key in span.reads(command):
                self.refuse(key.id, states[key])
            return span.decide(command, states, now)

        return Span(span.reads, decide)
