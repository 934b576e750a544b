"""What has been read of a stream and not folded yet, cut wherever the folding is to stop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from bus.broker.port import Broker
from bus.clock import Clock
from bus.contract import Contract
from bus.reader import Delivered, Reader
from bus.store.port import Checkpoint
from bus.tasks import end

MOST = 20_000
"""Events of one stream that wait, at most, but for one batch more."""
BATCH = 4000
"""Events read at once."""


class Ahead:
    """Reads one stream, from behind `place` on, while it is `reading`."""

    def __init__(self, broker: Broker, contract: Contract, place: Checkpoint, clock: Clock) -> None:
        self._reader = Reader(broker, contract, batch=BATCH, clock=clock)
        self._place = place
        self._events: deque[Delivered] = deque()
        self._changed = asyncio.Condition()
        self._ended: BaseException | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._read())
        try:
            yield
        finally:
            await end([task])

    async def take(self, count: int) -> Sequence[Delivered]:
        """The next `count` events, or MOST of them; waits until they are there. Raises what
        reading has raised."""
        count = min(count, MOST)
        async with self._changed:
            while len(self._events) < count:
                if self._ended is not None:
                    raise self._ended
                await self._changed.wait()
            taken = [self._events.popleft() for _ in range(count)]
            self._changed.notify_all()
            return taken

    async def _read(self) -> None:
        try:
            async with aclosing(self._reader.follow(self._place)) as batches:
                async for batch in batches:
                    await self._put(batch)
        except BaseException as error:
            async with self._changed:
                self._ended = error
                self._changed.notify_all()
            raise

    async def _put(self, batch: Sequence[Delivered]) -> None:
        async with self._changed:
            self._events.extend(batch)
            self._changed.notify_all()
            while len(self._events) >= MOST:
                await self._changed.wait()
