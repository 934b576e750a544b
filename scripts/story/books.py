"""Single events by position: from the stream, and below its first position from the owner."""

from __future__ import annotations

import msgspec

from bus import envelope
from bus.broker.port import Broker, BrokerUnavailable, StreamMissing
from bus.contract import Contract
from bus.owner import Owner, OwnerSilent
from scripts.story.telling import Chapter, Place


class Books:
    """Each event is read once. `silent` names the domains whose owner was needed and did not
    answer, with the reason."""

    def __init__(self, broker: Broker, contracts: dict[str, Contract]) -> None:
        self._broker = broker
        self._owners = {name: Owner(broker, one) for name, one in contracts.items()}
        self._found: dict[Place, Chapter | None] = {}
        self.silent: dict[str, str] = {}

    def note(self, chapter: Chapter) -> None:
        self._found[chapter.place] = chapter

    async def at(self, place: Place) -> Chapter | None:
        """None where there is none, or it can't be had now."""
        if place not in self._found and place.position > 0 and place.domain in self._owners:
            body = await self._streamed(place) or await self._logged(place)
            self._found[place] = chapter(place, body) if body else None
        return self._found.get(place)

    async def _streamed(self, place: Place) -> bytes | None:
        try:
            return await self._broker.stream_get(*place)
        except (StreamMissing, BrokerUnavailable):
            return None

    async def _logged(self, place: Place) -> bytes | None:
        try:
            page, _ = await self._owners[place.domain].read(place.position - 1, 1)
        except OwnerSilent as silent:
            self.silent[place.domain] = str(silent)
            return None
        return page[0].body if page else None


def chapter(place: Place, body: bytes) -> Chapter | None:
    """None where the body is no event."""
    try:
        return Chapter(place, envelope.decode(body), body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
