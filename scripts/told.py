"""What the processes of a mesh say of themselves, all asked at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.lag import PATIENCE
from bus.status import Status, subject

SLOWEST = PATIENCE + 0.5
"""Seconds for a process to say how it is, which it finds out first."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises, whatever has been sent."""


class _Head(Struct):
    head: int


class Gather(Protocol):
    async def __call__(
        self, subject: str, window: float, complete: Callable[[Sequence[bytes]], bool]
    ) -> Sequence[bytes]:
        """All answers within `window` seconds, or until they are `complete`."""


async def told(gather: Gather, answering: Mapping[str, int]) -> dict[str, Sequence[Status]]:
    """By service, of which so many processes answer; one that is slow is waited for longer."""
    asked = (_of(gather, service, many) for service, many in answering.items())
    return dict(zip(answering, await asyncio.gather(*asked), strict=True))


async def _of(gather: Gather, service: str, many: int) -> Sequence[Status]:
    found = []
    for body in await gather(subject(service), SLOWEST, lambda bodies: len(bodies) >= many):
        try:
            found.append(msgspec.json.decode(body, type=Status))
        except UNREADABLE:
            continue  # a service of somebody else's
    return found


async def head(broker: Broker, domain: str, timeout: float = 5.0) -> int | None:
    """The last position of the domain's store; None where it does not answer."""
    try:
        question = msgspec.json.encode({"after": 2**62, "limit": 1})
        reply = await broker.request(subjects.log_read(domain), question, timeout=timeout)
        return msgspec.json.decode(reply.body, type=_Head).head
    except (NoResponders, BrokerUnavailable, *UNREADABLE):
        return None
