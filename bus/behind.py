"""Whether a domain's copy of another one has reached that one's end."""

from __future__ import annotations

import msgspec

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders, StreamMissing
from bus.store.port import Store, StoreUnavailable


class Upstreams:
    """Asks the owner, or the stream while the owner is down."""

    def __init__(self, store: Store, broker: Broker) -> None:
        self._store = store
        self._broker = broker

    async def behind(self, upstream: str) -> bool:
        """Whether `upstream` has events that were not reacted to. In doubt it has."""
        try:
            heard = (await self._store.checkpoint(upstream)).position
            return await self._last(upstream, heard) > heard
        except (BrokerUnavailable, StoreUnavailable, StreamMissing):
            return True

    async def _last(self, upstream: str, after: int) -> int:
        question = msgspec.json.encode({"after": after, "limit": 1})
        try:
            reply = await self._broker.request(subjects.log_read(upstream), question)
            return int(msgspec.json.decode(reply.body)["head"])
        except NoResponders:
            return (await self._broker.stream_state(upstream)).last
