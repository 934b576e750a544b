"""Given, when, then: a domain's rules as tests, without process, store or clock.

    given(DOMAIN, placed, at("tea-1", UnitsReserved(order_id="o-1", quantity=2)))
        .when(CancelOrder(id="o-1", reason="changed my mind"))
        .then(OrderCancelled(...))

An event stands for itself where it is of the aggregate that the command is addressed to,
or of another kind of aggregate with the same id; `at(id, event)` says it is of another id.
Nothing is stubbed: the domain's own deciders, reactions and duties answer, and each event
goes through its JSON on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bus.decider import Domain, NotYet, Refused
from bus.duties import Duty
from bus.envelope import Key, Recorded
from bus.messages import Command, Event
from bus.testing.history import Step, aggregate_of, decide, difference, record, recorded, same

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of every decision that is not given one."""


class At(NamedTuple):
    """Events of an aggregate with an id of its own; made by `at`."""

    id: str
    events: Sequence[Event]


Fact = Event | At


def at(id: str, *events: Event) -> At:
    """`events` of the aggregate `id`, in a scenario that is about another one."""
    return At(id, events)


def given(domain: Domain, *events: Fact) -> Given:
    """The start of a scenario: what `domain` has recorded before, the oldest first."""
    return Given(domain, (), events)


@dataclass(frozen=True)
class Given:
    """What has been recorded; `.when` and `.when_heard` go on from here."""

    domain: Domain
    history: Sequence[Recorded[Any]]
    facts: Sequence[Fact] = ()

    def when(self, command: Command, *, now: datetime = NOW) -> Outcome:
        """What `command` leads to at the time `now`."""
        return self._outcome(command.id, f"{type(command).__name__} {command.id}", [command], now)

    def when_heard(self, event: Event, *, id: str, now: datetime = NOW) -> Outcome:
        """What another domain's `event`, of its aggregate `id`, leads to by reactions.

        Raises LookupError where this domain doesn't listen to the other one.
        """
        commands = tuple(self._reactions(event, id, now))
        return self._outcome(id, f"{type(event).__name__} of {id}", commands, now)

    def _reactions(self, event: Event, id: str, now: datetime) -> Iterable[Command]:
        for reaction in self.domain.reactions:
            if type(event) in reaction.upstream.event_types.values():
                key = Key(aggregate_of(reaction.upstream, event), id)
                return reaction.react(record(reaction.upstream, key, event, (), now))
        raise LookupError(f"{self.domain.name} does not listen to {type(event).__name__}")

    def _outcome(self, id: str, cause: str, commands: Sequence[Command], now: datetime) -> Outcome:
        before = recorded(self.domain, self.history, _keyed(self.domain, id, self.facts), now)
        history, steps = before, list[Step]()
        for command in commands:
            decided = decide(self.domain, history, command, now)
            steps += decided
            events = (step for step in decided if isinstance(step, tuple))
            history = recorded(self.domain, history, events, now)
        return Outcome(self.domain, history, (), id, cause, commands, steps, history[len(before) :])


@dataclass(frozen=True)
class Outcome(Given):
    """What a command led to. Each check raises AssertionError with the difference and
    gives the outcome back, so that checks and further commands can follow."""

    id: str = ""
    cause: str = ""
    commands: Sequence[Command] = ()
    """The command, or those that reactions have made of what was heard."""
    steps: Sequence[Step] = ()
    news: Sequence[Recorded[Any]] = ()

    @property
    def events(self) -> Sequence[Event]:
        """The events that were recorded, of whichever aggregate."""
        return [new.data for new in self.news]

    def then(self, *expected: Fact | Refused | NotYet) -> Outcome:
        """Exactly these events in this order, or this refusal; nothing at all for none.

        A refusal's message and details are compared where `expected` spells them out.
        """
        __tracebackhide__ = True
        steps: list[Step] = []
        for item in expected:
            if isinstance(item, Refused | NotYet):
                steps.append(item)
            else:
                steps += _keyed(self.domain, self.id, [item])
        return self._compare(steps)

    def then_nothing(self) -> Outcome:
        """The command was taken, and changed nothing."""
        __tracebackhide__ = True
        return self._compare([])

    def then_refused(self, code: str, **details: Any) -> Outcome:
        """Short for `then(Refused(code, **details))`."""
        __tracebackhide__ = True
        return self._compare([Refused(code, **details)])

    def then_duties(self, *expected: Duty) -> Outcome:
        """Exactly these deadlines and calls were started or settled, in this order."""
        __tracebackhide__ = True
        duties = [duty for new in self.news for duty in self.domain.duties(new)]
        if duties != list(expected):
            lines = "\n".join([f"- {duty}" for duty in expected] + [f"+ {duty}" for duty in duties])
            raise AssertionError(f"{self.cause}: other duties (- expected, + owed)\n{lines}")
        return self

    def _compare(self, expected: Sequence[Step]) -> Outcome:
        __tracebackhide__ = True
        if len(expected) != len(self.steps) or not all(map(same, expected, self.steps)):
            lines = difference(expected, self.steps)
            raise AssertionError(f"{self.cause} led elsewhere (- expected, + happened)\n{lines}")
        return self


def _keyed(domain: Domain, id: str, facts: Iterable[Fact]) -> Iterable[tuple[Key, Event]]:
    for fact in facts:
        own, events = (fact.id, fact.events) if isinstance(fact, At) else (id, (fact,))
        for event in events:
            yield Key(aggregate_of(domain.contract, event), own), event
