"""Folded states, kept while they are used: a cache that a conflict evicts from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from bus.decider import Domain
from bus.envelope import Key
from bus.store.port import StoredEvent


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

    async def load(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]: ...


class States:
    """The least recently used states beyond `capacity` are forgotten."""

    def __init__(self, domain: Domain, capacity: int = 20_000) -> None:
        self._domain = domain
        self._capacity = capacity
        self._states: OrderedDict[Key, State] = OrderedDict()

    def get(self, key: Key) -> State | None:
        state = self._states.get(key)
        if state is not None:
            self._states.move_to_end(key)
        return state

    def keep(self, states: Mapping[Key, Folded]) -> None:
        for key, state in states.items():
            if isinstance(state, State):
                self._states[key] = state
                self._states.move_to_end(key)
        while len(self._states) > self._capacity:
            self._states.popitem(last=False)

    def forget(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._states.pop(key, None)

    async def load(self, source: Loads, keys: Sequence[Key]) -> Mapping[Key, Folded]:
        """The states of `keys` as `source` has them now, past the cache."""
        if not keys:
            return {}
        histories = await source.load(keys)
        return {key: self._fold(key, histories[key]) for key in keys}

    def _fold(self, key: Key, history: Sequence[StoredEvent]) -> Folded:
        try:
            value = self._domain.initial(key)
            for stored in history:
                event = self._domain.contract.decode(stored.position, stored.body).data
                value = self._domain.evolve(key, value, event)
        except Exception as error:  # a decider's fault must not stop the others' commands
            return Unreadable(error)
        return State(history[-1].version if history else 0, value)
