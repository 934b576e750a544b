"""A domain's stream held against its store: equal, repaired, or a reason to stop."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from typing import NamedTuple

import structlog

from bus.broker.port import Broker, StreamState
from bus.contract import Contract
from bus.halt import OwnBooksDiffer
from bus.store.port import Store

OTHER_BYTES = "the bytes are not the same"

log = structlog.get_logger()


class StreamDiverged(OwnBooksDiffer):
    """The stream holds something that the store has not written there."""

    def __init__(self, contract: Contract, position: int, what: str) -> None:
        domain, stream = contract.domain, contract.stream
        super().__init__(
            f"Stream {stream} and {domain}'s store differ at position {position}: {what}. "
            f"Somebody restored an old backup or wrote around the relay. Nothing more is "
            f"relayed. Look at both (nats stream get {stream} {position}; nats req "
            f'log.{domain}.read \'{{"after":{position - 1},"limit":1}}\'), then run: '
            f"trueup repair {domain}"
        )
        self.position = position


class Ends(NamedTuple):
    """The last positions of stream and store; up to the first they are the same."""

    stream: int
    store: int


class Mirror:
    """`rebuilt` counts how often the stream was made again because it had lost events."""

    def __init__(self, contract: Contract, store: Store, broker: Broker) -> None:
        self._contract = contract
        self._domain = contract.domain
        self._store = store
        self._broker = broker
        self.rebuilt = 0

    async def check(self, known: int) -> Ends | None:
        """Finds out where the stream ends, and that it ends with the store's own event.

        `known` is a position up to which both were the same (0: nothing is known); what
        somebody else has put behind it is compared, too. None: messages were missing, and
        the stream has been made again. Raises StreamDiverged.
        """
        state = await self._broker.ensure_stream(self._domain)
        head, endless = await self._look_at_ends(state)
        if 0 < known < state.last:
            await self._compare(known, state.last)
        if endless or state.holes:
            await self._rebuild(state)
            return None
        return Ends(state.last, head)

    async def glance(self) -> None:
        """For whoever does not relay: only looks. Raises StreamDiverged, StreamMissing."""
        await self._look_at_ends(await self._broker.stream_state(self._domain))

    async def repair(self, reported: Iterable[int]) -> bool:
        """Whether any of the positions was missing, and the stream has been made again."""
        state = await self._broker.stream_state(self._domain)
        for position in sorted(reported):
            if state.first <= position <= state.last and await self._lacks(position):
                await self._rebuild(state)
                return True
        return False

    async def _look_at_ends(self, state: StreamState) -> tuple[int, bool]:
        """The store's head, and whether the stream lacks its last message."""
        # The stream's end is read first: so another relay that goes on meanwhile can't look
        # like a stream that is ahead.
        head = (await self._store.head()).position
        if state.last > head:
            what = f"the stream goes on to {state.last}, the store ends at {head}"
            raise StreamDiverged(self._contract, head + 1, what)
        return head, state.first <= state.last and await self._lacks(state.last)

    async def _lacks(self, position: int) -> bool:
        """Whether the stream has nothing at `position`. Raises StreamDiverged where it has
        something else than the store."""
        body = await self._broker.stream_get(self._domain, position)
        if body is None:
            return True
        stored = await self._store.read(position - 1, 1)
        if not stored or stored[0].body != body:
            raise StreamDiverged(self._contract, position, OTHER_BYTES)
        return False

    async def _compare(self, after: int, until: int) -> None:
        source = self._broker.read_stream(self._domain, after)
        async with aclosing(source) as batches:  # type: ignore[type-var]
            async for batch in batches:
                if not batch:
                    return
                first, last = batch[0].sequence, batch[-1].sequence
                stored = await self._store.read(first - 1, last - first + 1)
                bodies = {event.position: event.body for event in stored}
                for message in batch:
                    if message.sequence > until:
                        return
                    if bodies[message.sequence] != message.body:
                        raise StreamDiverged(self._contract, message.sequence, OTHER_BYTES)

    async def _rebuild(self, state: StreamState) -> None:
        """The stream is a cache: the same bytes are written at the same numbers again."""
        log.warning("stream made again", stream=self._contract.stream, first=state.first)
        await self._broker.delete_stream(self._domain)
        await self._broker.ensure_stream(self._domain, state.first)
        self.rebuilt += 1
