"""Each store's rows against what was published of them, page by page, round and round.

What was altered in a store afterwards shows nowhere else: its digest is of what was there before.
"""

from __future__ import annotations

import hashlib
import itertools
from array import array
from collections.abc import Iterator, Mapping

from bus.store.port import Store
from scripts.audit.finding import Finding

PAGE = 1000
STEP = 200
"""Rows in one step: there is one at each look, and the shop needs its store itself."""
RULE = "a store holds what it has published"


class Walk:
    """Of each event that was read from a stream eight bytes are kept."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores
        self._published = {domain: array("Q") for domain in stores}
        self._places = dict.fromkeys(stores, 0)
        self._turns = itertools.cycle(stores)
        self._altered: dict[str, set[int]] = {domain: set() for domain in stores}

    def note(self, domain: str, body: bytes) -> None:
        """The stream's next event."""
        self._published[domain].append(_print(body))

    async def step(self) -> None:
        """A few rows of one store. Raises StoreUnavailable."""
        await self._page(next(self._turns), STEP)

    async def whole(self) -> None:
        """All that has been read of all streams. Raises StoreUnavailable."""
        self._places = dict.fromkeys(self._stores, 0)
        for domain in self._stores:
            while await self._page(domain, PAGE):
                pass

    def findings(self) -> Iterator[Finding]:
        for domain, positions in self._altered.items():
            if positions:
                said = f"position {min(positions)}, of {len(positions)} that differ"
                yield Finding(RULE, domain, said, len(positions))

    async def _page(self, domain: str, most: int) -> bool:
        """Whether there is more."""
        published, after = self._published[domain], self._places[domain]
        limit = min(most, len(published) - after)
        rows = await self._stores[domain].read(after, limit) if limit else ()
        for row in rows:
            if published[row.position - 1] == _print(row.body):
                self._altered[domain].discard(row.position)
            else:
                self._altered[domain].add(row.position)
        self._places[domain] = rows[-1].position if rows else 0
        return bool(rows)


def _print(body: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(body, digest_size=8).digest())
