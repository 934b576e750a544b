"""What a view reads of its streams, batch by batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bus.owner import Delivered, identify
from bus.store.port import Checkpoint
from bus.view import View
from bus.views.gathered import Read
from bus.views.reading import Item, Reading

STRETCH = 250
"""Events decoded at a stretch: then queries and what came from the store have their turn."""


class Readings:
    """Of all sources of `view`."""

    def __init__(self, view: View) -> None:
        self._of = {source.contract.domain: Reading(view, source) for source in view.sources}

    def items(self, domain: str, events: Sequence[Delivered]) -> Sequence[Item]:
        return self._of[domain].items(events)

    async def read(self, domain: str, batch: Sequence[Delivered]) -> Read:
        """Decodes the batch; whatever else there is to do goes on meanwhile."""
        items: list[Item] = []
        for start in range(0, len(batch), STRETCH):
            items += self.items(domain, batch[start : start + STRETCH])
            await asyncio.sleep(0)
        return Read(items, Checkpoint(batch[-1].position, identify(batch[-1].body).id))
