"""What a sender is told: one JSON object, and the error headers of NATS micro services.

https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md#error-handling
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, assert_never

import msgspec
from msgspec import Struct

from bus.decider import Unknown
from bus.work import (
    Accepted,
    Failed,
    IdReused,
    Outcome,
    Postponed,
    Stale,
    Superseded,
    TooLarge,
    TurnedDown,
    WrongVersion,
)

AT_LEAST = "At-Least"
"""The header that a command's reply carries, as in `At-Least: ordering=4711`: handed on to a
query, it makes that wait for what the command has led to."""
RETRY_AFTER = 1
"""Seconds that an `unavailable` asks its sender to wait."""

_control = re.compile(r"[\x00-\x1f\x7f]")


class Answer(Struct, frozen=True):
    """`body` is JSON."""

    status: str
    body: bytes
    headers: Mapping[str, str]


class _Event(Struct, gc=False):
    type: str
    version: int


class _Accepted(Struct, tag="accepted", tag_field="status"):
    id: str
    version: int
    position: int
    events: list[_Event]
    replayed: bool


_encode = msgspec.json.Encoder().encode


def at_least(positions: Mapping[str, int]) -> str:
    """The header's value for positions by domain."""
    return ", ".join(f"{domain}={position}" for domain, position in sorted(positions.items()))


def accepted(id: str, outcome: Accepted, domain: str) -> Answer:
    events = [_Event(written.type, written.version) for written in outcome.events]
    body = _Accepted(id, outcome.version, outcome.position, events, outcome.replayed)
    return Answer("accepted", _encode(body), {AT_LEAST: at_least({domain: outcome.position})})


def error(
    number: int,
    status: str,
    code: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    **more: Any,
) -> Answer:
    """`number` is the HTTP-like code, `code` the CamelCase one, `message` one sentence."""
    body = {"status": status, "code": code, "message": message, "details": details or {}, **more}
    headers = {
        "Nats-Service-Error": _control.sub(" ", f"{code}: {message}"),
        "Nats-Service-Error-Code": str(number),
    }
    if number == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    return Answer(status, msgspec.json.encode(body), headers)


def invalid(code: str, message: str, **details: Any) -> Answer:
    return error(400, "invalid", code, message, details)


def unavailable(code: str, message: str, **details: Any) -> Answer:
    details = {"retry_after": RETRY_AFTER, **details}
    return error(503, "unavailable", code, message, details)


def answer(  # noqa: PLR0911
    id: str, outcome: Outcome, domain: str, expected: int | None = None
) -> Answer:
    """The reply to the command that was addressed to `id` of `domain`."""
    match outcome:
        case Accepted():
            return accepted(id, outcome, domain)
        case TurnedDown(refusal=refusal, position=position, replayed=replayed):
            number = 404 if isinstance(refusal, Unknown) else 409
            more = {"id": id, "position": position, "replayed": replayed}
            return error(number, "refused", refusal.code, refusal.message, refusal.details, **more)
        case WrongVersion(actual=actual):
            message = f"{id} is at version {actual}, not at {expected}"
            details = {"expected": expected, "actual": actual}
            return error(409, "conflict", "WrongVersion", message, details)
        case IdReused():
            message = "this Nats-Msg-Id was used for another subject or payload"
            return error(409, "conflict", "IdReused", message)
        case TooLarge(size=size, limit=limit):
            message = f"it would lead to an event of {size} bytes; {limit} is the most"
            return error(413, "invalid", "TooLarge", message, {"size": size, "limit": limit})
        case Stale(upstream=upstream):
            message = f"this service has not heard all of {upstream} yet; send it again"
            return unavailable("CatchingUp", message)
        case Postponed(reason=reason):
            return unavailable("StoreUnavailable", reason)
        case Superseded():
            return unavailable("Superseded", "another process was quicker; send it again")
        case Failed():
            message = "the command could not be decided; nothing was recorded, see the log"
            return error(500, "failed", "InternalError", message)
        case _:
            assert_never(outcome)
