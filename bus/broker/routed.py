"""Publishing in a cluster, where a server hears of a stream a moment after it was made.

A stream that is new, or that has just changed its leader, answers before every server has
learnt whom to send its messages to. Until then they go nowhere, and nothing tells when that
is over. Nothing is stored twice: each message carries the sequence that it must follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bus.broker import publisher
from bus.broker.connection import Connection
from bus.broker.port import Outgoing, WrongSequence
from bus.broker.streams import Streams

_PATIENCE = 2.0
_PAUSE = 0.01


async def publish_run(
    connection: Connection, streams: Streams, stream: str, after: int, run: Sequence[Outgoing]
) -> None:
    """As the port says."""
    now = asyncio.get_running_loop().time
    until = now() + _PATIENCE
    while True:
        try:
            return await publisher.publish_run(connection, streams, stream, after, run)
        except publisher.NotRouted:
            if now() > until:
                raise
        except WrongSequence as wrong:
            # Refused, though it follows on: of these messages only the first went nowhere.
            if wrong.last != after or now() > until:
                raise
        await asyncio.sleep(_PAUSE)
