"""Bounded waits, and the few things that every test of a broker says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, cast

from bus.broker.port import Broker, Outgoing, StreamMessage

BOUND = 15.0
"""Seconds after which a wait has failed."""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND):
        while not condition():  # noqa: ASYNC110  any condition, not one that tells
            await asyncio.sleep(0.005)


def events(domain: str, first: int, last: int) -> Sequence[Outgoing]:
    """The events at positions `first` to `last`: the same bytes each time."""
    return [
        Outgoing(f"evt.{domain}.order.o-{n}.OrderPlaced", b"event %d" % n)
        for n in range(first, last + 1)
    ]


async def begin(broker: Broker, domain: str, last: int) -> None:
    """A stream with the events 1 to `last`."""
    await broker.ensure_stream(domain)
    if last:
        await broker.publish_run(domain, 0, events(domain, 1, last))


class Reading:
    """A reader that can be asked for the next batch, within a bound."""

    def __init__(self, broker: Broker, domain: str, after: int = 0, batch: int = 1000) -> None:
        self._batches = cast(Any, broker.read_stream(domain, after, batch))

    async def batch(self) -> Sequence[StreamMessage]:
        async with asyncio.timeout(BOUND):
            return cast(Sequence[StreamMessage], await anext(self._batches))

    async def sequences(self, count: int) -> list[int]:
        """The next `count` messages' numbers, whatever batches they come in."""
        found: list[int] = []
        while len(found) < count:
            found += [message.sequence for message in await self.batch()]
        return found

    async def close(self) -> None:
        await self._batches.aclose()

    async def __aenter__(self) -> Reading:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def contents(broker: Broker, domain: str) -> list[tuple[int, bytes]]:
    """All that the stream holds."""
    found: list[tuple[int, bytes]] = []
    stream: AsyncIterator[Sequence[StreamMessage]] = broker.read_stream(domain, 0)
    async with asyncio.timeout(BOUND), aclosing(cast(Any, stream)) as batches:
        async for batch in batches:
            if not batch:
                break
            found += [(message.sequence, message.body) for message in batch]
    return found
