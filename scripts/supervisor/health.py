"""Who answers: every service of the mesh tells its name when it is asked on $SRV.PING."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
import nats
import nats.errors
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg

from scripts.supervisor.trouble import Trouble

WINDOW = 0.25
"""Seconds to wait for answers when nobody knows how many there are."""


PATIENCE = 6.0
"""Seconds for the first connection."""


class Pong(Struct):
    name: str
    id: str


async def _quiet(_: Exception) -> None:
    """Connection errors show in who answers."""


async def connected(url: str) -> Client:
    """For ever reconnecting, once it has connected. Raises Trouble."""
    connecting = nats.connect(
        [part.strip() for part in url.split(",")],
        name="trueup-supervisor",
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,
        connect_timeout=3,
        ping_interval=5,
        error_cb=_quiet,
    )
    try:
        # Without an end of our own the first connection would be tried for ever, too.
        async with asyncio.timeout(PATIENCE):
            return await connecting
    except (OSError, nats.errors.Error) as error:
        place = url.rpartition("@")[2]
        raise Trouble(
            f"NATS can't be reached at {place}: start it, or unset NATS_URL to have one started."
        ) from error


async def answering(client: Client, expected: Counter[str] | None = None) -> Counter[str]:
    """How many processes of each service answer. Returns early when all `expected` do."""
    window = WINDOW if expected is None else 4 * WINDOW

    def complete(bodies: Sequence[bytes]) -> bool:
        return expected is not None and expected <= _named(bodies)

    return _named(await gathered(client, "$SRV.PING", window, complete))


async def gathered(
    client: Client,
    subject: str,
    window: float,
    complete: Callable[[Sequence[bytes]], bool] = lambda _: False,
) -> Sequence[bytes]:
    """All answers to an empty request that come within `window` seconds."""
    bodies: list[bytes] = []
    done = asyncio.Event()

    async def heard(message: Msg) -> None:
        if message.header is None:  # else nobody is there
            bodies.append(message.data)
            if complete(bodies):
                done.set()
        else:
            done.set()

    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, cb=heard)
    try:
        await client.publish(subject, b"", reply=inbox)
        with suppress(TimeoutError):
            async with asyncio.timeout(window):
                await done.wait()
    finally:
        await subscription.unsubscribe()
    return bodies


def _named(bodies: Sequence[bytes]) -> Counter[str]:
    pongs = [msgspec.json.decode(body, type=Pong) for body in bodies]
    return Counter({pong.id: pong.name for pong in pongs}.values())
