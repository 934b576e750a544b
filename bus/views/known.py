"""The slots of a view's rows: from the store, or remembered from what was written last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from bus.views.folding import Slots
from bus.views.port import ViewChanged, ViewStore
from bus.views.reading import Item

MOST = 5000
"""Rows whose slots are remembered: those written last."""


class KnownSlots:
    """What is remembered holds for one stamp: once anybody else has written, nothing does.

    A write that rests on a stamp that has passed is refused, so no stale slot can be written.
    """

    def __init__(self, store: ViewStore) -> None:
        self._store = store
        self._stamp = ""
        self._known: dict[str, Mapping[str, Struct]] = {}
        self._decoders = {
            source.contract.domain: msgspec.json.Decoder(source.slot)
            for source in store.view.sources
        }

    async def of(self, items: Iterable[Item], stamp: str) -> Slots:
        """The slots of all rows that `items` touch, as they are at `stamp`.

        Raises StoreUnavailable, ViewChanged.
        """
        if stamp != self._stamp:
            self._known.clear()
            self._stamp = stamp
        known = self._known
        keys = dict.fromkeys(key for item in items for key in item.keys)
        found = {key: known[key] for key in keys if key in known}
        missing = [key for key in keys if key not in found]
        return {**found, **await self._load(missing)} if missing else found

    def written(self, slots: Slots, before: str, after: str) -> None:
        """The write that moved the stamp from `before` to `after` left `slots`."""
        if before != self._stamp:
            return
        self._stamp = after
        for key, of in slots.items():
            self._known.pop(key, None)
            self._known[key] = of
        for key in list(self._known)[: max(0, len(self._known) - MOST)]:
            del self._known[key]

    async def _load(self, keys: Sequence[str]) -> Slots:
        view = self._store.view
        try:
            return {
                key: {domain: self._decoders[domain].decode(text) for domain, text in slots.items()}
                for key, slots in (await self._store.load(keys)).items()
            }
        except msgspec.MsgspecError as error:
            raise ViewChanged(
                f"The view {view.name} can't read the slots that its version "
                f"{view.version} wrote: raise its version ({error})"
            ) from error
