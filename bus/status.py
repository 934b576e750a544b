"""What a process says of itself: `nats req --replies=0 status.<service> ''` asks all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import Struct

from bus.answering import Answering
from bus.broker.port import Endpoint, Request
from bus.lag import Lag


class Status(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`host` and `pid` tell the processes of a service apart: in containers each pid may be 1.
    `positions` is how far it is in each stream that it follows, by domain, and `streams` how
    far it is behind; `published` how far the leader has copied the store; `problems` names what
    has stopped, and why. `breaker` is the state of the circuit breaker before the world outside;
    `counts` is what its committer has counted since it was started."""

    service: str
    host: str = ""
    pid: int
    leading: bool | None = None
    published: int | None = None
    positions: Mapping[str, int] = {}
    streams: Mapping[str, Lag] = {}
    problems: Mapping[str, str] = {}
    breaker: str | None = None
    counts: Mapping[str, int] = {}


def subject(service: str) -> str:
    return f"status.{service}"


def endpoint(service: str, tell: Callable[[], Awaitable[Status]]) -> Endpoint:
    """Every process answers, so that a person sees them all."""

    async def told(_: Request) -> bytes:
        return msgspec.json.encode(await tell())

    return Endpoint("status", subject(service), Answering(told), queue=None)
