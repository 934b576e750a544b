"""From events to a state, in pages: a history of any length needs little memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from bus.decider import Domain
from bus.envelope import Key
from bus.store.port import Past, StoredEvent

PAGE = 1_000
"""Events that are read at once."""


class State(NamedTuple):
    """An aggregate's state after its `version`-th event."""

    version: int
    value: Any


class Unreadable(NamedTuple):
    """An aggregate whose own history can't be folded; whatever reads it fails with `error`."""

    error: Exception


Folded = State | Unreadable


class Loads(Protocol):
    """A store, or a transaction of one."""

    async def recall(
        self, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
    ) -> Mapping[Key, Past]: ...

    async def sequence(
        self, key: Key, *, after: int | None, upto: int | None, limit: int | None
    ) -> Sequence[StoredEvent]: ...


def beginning(domain: Domain, key: Key) -> State:
    return State(0, domain.initial(key))


def fold(domain: Domain, key: Key, state: Folded, events: Iterable[StoredEvent]) -> Folded:
    """The state after `events`, those of them that `state` lacks."""
    if isinstance(state, Unreadable):
        return state
    version, value = state
    try:
        for stored in events:
            if stored.version > version:
                event = domain.contract.decode(stored.position, stored.body).data
                value = domain.evolve(key, value, event)
                version = stored.version
    except Exception as error:  # a decider's fault must not stop the others' commands
        return Unreadable(error)
    return State(version, value)


async def fold_all(domain: Domain, source: Loads, key: Key, upto: int | None = None) -> Folded:
    """The state after the whole history, or after its `upto`-th event."""
    return await fold_on(domain, source, key, beginning(domain, key), upto)


async def fold_on(
    domain: Domain, source: Loads, key: Key, state: Folded, upto: int | None = None
) -> Folded:
    """The state after all events behind `state`, or after the `upto`-th."""
    while isinstance(state, State):
        events = await source.sequence(key, after=state.version, upto=upto, limit=PAGE)
        state = fold(domain, key, state, events)
        if len(events) < PAGE:
            break
    return state
