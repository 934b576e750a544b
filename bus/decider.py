"""The functional core: pure decisions over folded state.

A decider is the pattern of Jérémie Chassaing (https://thinkbeforecoding.com/post/2021/12/17/functional-event-sourcing-decider).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from bus.contract import Contract
from bus.duties import Duty
from bus.envelope import Key, Recorded
from bus.messages import Command, Event


class Refused(Exception):
    """A command that the business rules turn down; nothing is recorded.

    `code` is CamelCase and stable (callers branch on it), `message` one sentence for a
    person, `details` plain JSON. Answered with 409 and kept as the command's receipt.
    A test that expects a refusal may name the code alone.
    """

    def __init__(self, code: str, message: str = "", /, **details: Any) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message or code
        self.details = details


class Unknown(Refused):
    """A refusal because what the command is addressed to does not exist: answered with 404."""


class NotYet(Exception):
    """The domain's copy of `upstream` lacks what would settle this command.

    If the copy turns out to be behind `upstream`'s stream, the command is answered
    `unavailable` (nothing kept, send it again); if it is up to date, with `refusal`. So
    no refusal rests on a stale copy.
    """

    def __init__(self, upstream: str, refusal: Refused) -> None:
        super().__init__(str(refusal))
        self.upstream = upstream
        self.refusal = refusal


@dataclass(frozen=True)
class Decider:
    """One kind of aggregate: where it starts, what it answers, how it changes.

    `decide(command, state, now)` gives the events that follow, an empty sequence where
    the command changes nothing, or raises Refused. `evolve(state, event)` gives the next
    state. Both are pure: no clock, no ids, no randomness, no I/O.

    `state` is the states' type, where snapshots are to be kept of them: worth it for an
    aggregate whose history goes on for ever. msgspec must be able to read it back from JSON
    (a union's structs need tags), and states must be immutable. A change of its structure
    makes older snapshots useless by itself; raise `shape` when `evolve` comes to another
    state from the same events.
    """

    initial: Any
    decide: Callable[[Any, Any, datetime], Sequence[Event]]
    evolve: Callable[[Any, Any], Any]
    state: Any = None
    shape: int = 1


States = Mapping[Key, Any]


@dataclass(frozen=True)
class Span:
    """A decision over several aggregates of one domain.

    `reads(command)` names all of them; `decide(command, states, now)` gets each one's
    state (the initial one where it has no events) and gives pairs of aggregate and event.
    """

    reads: Callable[[Any], Iterable[Key]]
    decide: Callable[[Any, States, datetime], Iterable[tuple[Key, Event]]]


@dataclass(frozen=True)
class Reaction:
    """What the domain does about another one's events: commands to itself.

    `react(recorded)` is pure and gives commands whose `id` is set; most events give none.
    """

    upstream: Contract
    react: Callable[[Recorded[Any]], Iterable[Command]]


def _nothing(_: Recorded[Any]) -> Iterable[Duty]:
    return ()


@dataclass(frozen=True)
class Domain:
    """A bounded context, whole: what a process runs and what a test drives.

    `deciders` has one entry an aggregate; a command that isn't in `spans` goes to the
    decider of the aggregate that the contract lists it under. `duties(recorded)` is pure
    and says which deadlines and outside calls an event of the domain's own starts or ends.
    """

    contract: Contract
    deciders: Mapping[str, Decider]
    spans: Mapping[type[Command], Span] = field(default_factory=dict)
    reactions: Sequence[Reaction] = ()
    duties: Callable[[Recorded[Any]], Iterable[Duty]] = _nothing

    @cached_property
    def name(self) -> str:
        return self.contract.domain

    @cached_property
    def has_duties(self) -> bool:
        return self.duties is not _nothing

    def reads(self, command: Command) -> Sequence[Key]:
        """The aggregates whose states `command` is decided on."""
        span = self.spans.get(type(command))
        if span is None:
            return (Key(self.contract.command_aggregates[type(command)], command.id),)
        return tuple(dict.fromkeys(span.reads(command)))

    def decide(
        self, command: Command, states: States, now: datetime
    ) -> Sequence[tuple[Key, Event]]:
        """The events that `command` leads to, in order. Raises Refused or NotYet."""
        span = self.spans.get(type(command))
        if span is not None:
            return tuple(span.decide(command, states, now))
        key = Key(self.contract.command_aggregates[type(command)], command.id)
        decider = self.deciders[key.aggregate]
        return [(key, event) for event in decider.decide(command, states[key], now)]

    def evolve(self, key: Key, state: Any, event: Event) -> Any:
        return self.deciders[key.aggregate].evolve(state, event)

    def initial(self, key: Key) -> Any:
        return self.deciders[key.aggregate].initial
