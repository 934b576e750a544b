"""One question to many: all answers that come, where nobody knows how many there will be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bus.broker.connection import Connection

Complete = Callable[[Sequence[bytes]], bool]


async def gathered(
    connection: Connection, subject: str, window: float, complete: Complete, least: float
) -> Sequence[bytes]:
    """Raises BrokerUnavailable."""
    bodies: list[bytes] = []
    done = asyncio.Event()

    def heard(_subject: bytes, _reply: bytes, body: bytes, _headers: bytes | None) -> None:
        if body:  # else it is the server's word that nobody is there
            bodies.append(body)
        if not body or complete(bodies):
            done.set()

    inbox = connection.wire.new_inbox()
    number = await connection.listen(inbox, heard)
    try:
        connection.publish(subject, b"", reply=inbox)
        waiting = [asyncio.create_task(done.wait()), asyncio.create_task(asyncio.sleep(least))]
        _, late = await asyncio.wait(waiting, timeout=window)
        for task in late:
            task.cancel()
    finally:
        await connection.unlisten(number)
    return bodies
