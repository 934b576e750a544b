"""What a scenario has recorded so far, and what it says of it when a test fails."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

import msgspec

from bus import envelope
from bus.contract import Contract
from bus.decider import Domain, NotYet, Refused
from bus.envelope import Key, Recorded
from bus.messages import Command, Event, tag

Step = tuple[Key, Event] | Refused | NotYet
"""What a command leads to, one by one."""


def record(
    contract: Contract, key: Key, event: Event, before: Sequence[Recorded[Any]], now: datetime
) -> Recorded[Event]:
    """`event` as readers get it, after `before`. It goes through its JSON once, so that a
    test sees what production sees; raises AssertionError where it would not survive that."""
    position = len(before) + 1
    body = envelope.encode(
        event=event,
        event_id=f"event-{position}",
        domain=contract.domain,
        key=key,
        version=sum(recorded.key == key for recorded in before) + 1,
        dataversion=contract.dataversion(tag(type(event))),
        time=now,
        correlation_id="scenario",
        causation_id="scenario",
    )
    try:
        return contract.decode(position, body)
    except msgspec.MsgspecError as error:
        raise AssertionError(f"{event} can be written but not read: {error}") from error


def recorded(
    domain: Domain,
    history: Sequence[Recorded[Any]],
    events: Iterable[tuple[Key, Event]],
    now: datetime,
) -> Sequence[Recorded[Any]]:
    """`history` and `events` after it."""
    result = list(history)
    for key, event in events:
        result.append(record(domain.contract, key, event, result, now))
    return result


def decide(
    domain: Domain, history: Sequence[Recorded[Any]], command: Command, now: datetime
) -> Sequence[Step]:
    """What `domain` says to `command` after `history`."""
    states = {key: _state(domain, history, key) for key in domain.reads(command)}
    try:
        decided = domain.decide(command, states, now)
    except (Refused, NotYet) as refusal:
        return [refusal]
    unread = [key for key, _ in decided if key not in states]
    assert not unread, f"{type(command).__name__} decides on {unread} without reading it"
    return decided


def _state(domain: Domain, history: Sequence[Recorded[Any]], key: Key) -> Any:
    own = (recorded.data for recorded in history if recorded.key == key)
    return reduce(lambda state, event: domain.evolve(key, state, event), own, domain.initial(key))


def aggregate_of(contract: Contract, event: Event) -> str:
    """The aggregate that the contract lists `event` under. Raises LookupError."""
    for aggregate, types in contract.events.items():
        if type(event) in types:
            return aggregate
    raise LookupError(f"{contract.domain} has no event {type(event).__name__} in its contract")


def same(expected: Step, happened: Step) -> bool:
    """Whether `happened` is what was expected; of a refusal, as far as it was spelt out."""
    if isinstance(expected, NotYet):
        return (
            isinstance(happened, NotYet)
            and happened.upstream == expected.upstream
            and same(expected.refusal, happened.refusal)
        )
    if isinstance(expected, Refused):
        return (
            isinstance(happened, type(expected))
            and happened.code == expected.code
            and expected.message in {expected.code, happened.message}
            and (not expected.details or happened.details == expected.details)
        )
    return expected == happened


def difference(expected: Sequence[Step], happened: Sequence[Step]) -> str:
    """What was expected and what happened, line by line, for the person who broke it."""
    wanted = [line for step in expected for line in _lines(step)] or ["nothing"]
    got = [line for step in happened for line in _lines(step)] or ["nothing"]
    return "\n".join(line for line in difflib.ndiff(wanted, got) if not line.startswith("?"))


def _lines(step: Step) -> Iterator[str]:
    if isinstance(step, NotYet):
        yield f"NotYet: {step.upstream} may know better, else:"
        yield from _lines(step.refusal)
    elif isinstance(step, Refused):
        said = "" if step.message == step.code else f", {step.message!r}"
        yield f"{type(step).__name__}({step.code!r}{said})"
        yield from (f"    {name} = {value!r}" for name, value in step.details.items())
    else:
        key, event = step
        yield f"{tag(type(event))} of {key.aggregate} {key.id}"
        for name in event.__struct_fields__:
            yield f"    {name} = {getattr(event, name)!r}"
