"""A stretch of a domain's history, in order: from its stream, and what that lacks from its log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

from bus.broker.port import Broker, BrokerUnavailable, StreamMissing
from bus.contract import Contract
from bus.owner import Delivered, Owner, OwnerSilent, identify
from bus.reader import Reader
from bus.store.port import Checkpoint

BATCH = 500
"""Events handed over at once: as many may be lost on the way when a consumer breaks."""
PATIENCE = 3.0
"""Seconds without an event until it is said why."""


class History:
    """`told` is called with the reason, in a line, each time nothing has come for a while."""

    def __init__(
        self, broker: Broker, contract: Contract, *, told: Callable[[str], None] = lambda _: None
    ) -> None:
        self._broker = broker
        self._contract = contract
        self._owner = Owner(broker, contract)
        self._told = told

    async def head(self) -> int:
        """The last position. Raises OwnerSilent where neither stream nor owner tell."""
        try:
            return (await self._broker.stream_state(self._contract.domain)).last
        except (StreamMissing, BrokerUnavailable):
            return (await self._owner.read(0, 1))[1]

    async def of(self, stretch: range) -> AsyncIterator[Sequence[Delivered]]:
        """Batches without a gap, until the stretch is over. Outages are waited for.

        Raises OwnerSilent where it can't begin, and Halt.
        """
        if not stretch:
            return
        reader = Reader(self._broker, self._contract, batch=BATCH)
        place = await self._before(stretch.start)
        async with aclosing(reader.follow(place)) as batches:
            while True:
                batch = await self._next(batches)
                if run := [event for event in batch if event.position in stretch]:
                    yield run
                if batch and batch[-1].position >= stretch[-1]:
                    return

    async def _before(self, start: int) -> Checkpoint:
        """Where a reader stands that gets `start` next."""
        position = start - 1
        if not position:
            return Checkpoint(0, "")
        try:
            body = await self._broker.stream_get(self._contract.domain, position)
        except StreamMissing:
            body = None
        if body is None:
            page, _ = await self._owner.read(position - 1, 1)
            body = page[0].body if page else b""
        return Checkpoint(position, identify(body).id)

    async def _next(self, batches: AsyncIterator[Sequence[Delivered]]) -> Sequence[Delivered]:
        coming = asyncio.ensure_future(anext(batches))
        try:
            while not (await asyncio.wait([coming], timeout=PATIENCE))[0]:
                self._told(await self._reason())
            return coming.result()
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.wait([coming])

    async def _reason(self) -> str:
        domain = self._contract.domain
        try:
            await self._broker.stream_state(domain)
            await self._owner.read(0, 1)
        except (StreamMissing, BrokerUnavailable, OwnerSilent) as error:
            return f"{domain}: {error}; waiting, see trueup status"
        return f"{domain}: nothing has come for {PATIENCE:g} s; waiting"
