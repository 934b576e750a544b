"""What a process says of itself: `nats req --replies=0 status.<service> ''` asks all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from bus.broker.port import Endpoint, Request


class Status(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`positions` is how far it is in each stream that it follows; `published` how far the
    leader has copied the store; `problems` names what has stopped, and why. `breaker` is the
    state of the circuit breaker before the world outside; `counts` is what its committer has
    counted since it was started."""

    service: str
    pid: int
    leading: bool | None = None
    published: int | None = None
    positions: Mapping[str, int] = {}
    problems: Mapping[str, str] = {}
    breaker: str | None = None
    counts: Mapping[str, int] = {}


def subject(service: str) -> str:
    return f"status.{service}"


def endpoint(service: str, tell: Callable[[], Status]) -> Endpoint:
    """Every process answers, so that a person sees them all."""

    def handler(request: Request) -> None:
        request.respond(msgspec.json.encode(tell()))

    return Endpoint("status", subject(service), handler, queue=None)
