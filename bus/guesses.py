"""What has always been new of late is taken to be new, without a look into the store.

A command that begins an aggregate (an order, a reservation) hardly ever meets one that is
there, and to look first costs a round trip. The append sees where a guess was wrong, as it
sees that another process was quicker: then the batch is decided again, on what is loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from bus.envelope import Key
from bus.folding import Folded, State
from bus.messages import Command

CERTAIN = 500
"""Aggregates of a kind that were new, one after the other, before the next is guessed to be."""

Kind = tuple[type[Command], str]
"""A command, and the kind of aggregate that is read for it."""


class Guesses:
    def __init__(self) -> None:
        self._new: dict[Kind, int] = defaultdict(int)

    def new(self, kind: Kind) -> bool:
        return self._new[kind] >= CERTAIN

    def loaded(self, kinds: Mapping[Key, Kind], states: Mapping[Key, Folded]) -> None:
        """Hears what was found where nothing was guessed."""
        for key, state in states.items():
            new = isinstance(state, State) and state.version == 0
            self._new[kinds[key]] = self._new[kinds[key]] + 1 if new else 0

    def wrong(self, keys: Iterable[Key]) -> None:
        """Hears of conflicts: they may have been guesses, so none of these is guessed now."""
        aggregates = {key.aggregate for key in keys}
        for kind in self._new:
            if kind[1] in aggregates:
                self._new[kind] = 0
