"""Folded states, kept while they are used: a cache that a conflict evicts from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from bus.decider import Domain
from bus.envelope import Key
from bus.folding import PAGE, Folded, Loads, State, Unreadable, beginning, fold, fold_on
from bus.snapshots import EVERY, Snapshots
from bus.store.port import NOTHING, Past

__all__ = ["Folded", "Loads", "State", "States", "Unreadable"]


class States:
    """The least recently used states beyond `capacity` are forgotten."""

    def __init__(self, domain: Domain, snapshots: Snapshots, capacity: int = 20_000) -> None:
        self._domain = domain
        self._snapshots = snapshots
        self._capacity = capacity
        self._states: OrderedDict[Key, State] = OrderedDict()
        snapshots.on_wrong = self.forget_all

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

    def forget_all(self, aggregate: str) -> None:
        """Forgets the states of this kind of aggregate."""
        self.forget([key for key in self._states if key.aggregate == aggregate])

    async def load(self, source: Loads, keys: Sequence[Key]) -> Mapping[Key, Folded]:
        """The states of `keys` as `source` has them now, past the cache: one round trip,
        unless what has happened since a snapshot fills more than a page."""
        if not keys:
            return {}
        pasts = await source.recall(keys, self._snapshots.shapes, PAGE)
        return {
            key: beginning(self._domain, key)
            if past == NOTHING
            else await self._fold(source, key, past)
            for key, past in pasts.items()
        }

    async def _fold(self, source: Loads, key: Key, past: Past) -> Folded:
        restored = self._snapshots.restore(key, past)
        start = restored or beginning(self._domain, key)
        useless = past.snapshot is not None and restored is None
        state = fold(self._domain, key, start, () if useless else past.events)
        if useless or len(past.events) == PAGE:
            state = await fold_on(self._domain, source, key, state)
        if isinstance(state, State) and state.version - start.version >= EVERY:
            self._snapshots.take(key, state)
        return state
