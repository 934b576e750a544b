"""A request as both adapters hand it over: answered once at most, and only to an inbox."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import msgspec
import structlog

from bus.broker import frames
from bus.broker.port import Handler

_log = structlog.get_logger("bus.broker")

ERROR = "Nats-Service-Error"
ERROR_CODE = "Nats-Service-Error-Code"


class Outlet(Protocol):
    """Where answers go. `dropped_replies` counts those that could not be given."""

    dropped_replies: int

    @property
    def max_payload(self) -> int: ...

    def answer(self, reply: str, body: bytes, headers: bytes) -> None: ...


class Tally:
    """What `nats micro stats` shows of an endpoint."""

    __slots__ = ("errors", "last_error", "nanoseconds", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.last_error = ""
        self.nanoseconds = 0

    def answered(self, since: int, headers: Mapping[str, str] | None) -> None:
        self.nanoseconds += time.perf_counter_ns() - since
        if headers and ERROR in headers:
            self.errors += 1
            self.last_error = f"{headers.get(ERROR_CODE, '500')}:{headers[ERROR]}"


class Inbound:
    """bus.broker.port.Request."""

    __slots__ = ("_answered", "_outlet", "_since", "_tally", "body", "headers", "reply", "subject")

    def __init__(
        self,
        outlet: Outlet,
        subject: str,
        body: bytes,
        headers: Mapping[str, str],
        reply: str,
        *,
        tally: Tally | None = None,
    ) -> None:
        self.subject = subject
        self.body = body
        self.headers = headers
        self.reply = reply
        self._outlet = outlet
        self._tally = tally
        self._answered = False
        self._since = 0
        if tally is not None:
            tally.requests += 1
            self._since = time.perf_counter_ns()

    def respond(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """A second answer goes nowhere; one that is too large becomes an error."""
        if self._answered:
            return
        self._answered = True
        block = frames.encode_headers(headers) if headers else b""
        if len(body) + len(block) > self._outlet.max_payload:
            body, headers = _too_large(len(body) + len(block), self._outlet.max_payload)
            block = frames.encode_headers(headers)
        if self._tally is not None:
            self._tally.answered(self._since, headers)
        if frames.is_inbox(self.reply):
            self._outlet.answer(self.reply, body, block)
        elif self.reply:
            self._outlet.dropped_replies += 1


def hand_over(handler: Handler, request: Inbound) -> None:
    """A handler that raises has a fault; whoever asked hears of it, the connection doesn't."""
    try:
        handler(request)
    except Exception:
        _log.exception("a request could not be taken", subject=request.subject)
        message = "the request could not be taken"
        body = {"status": "unavailable", "code": "Fault", "message": message}
        request.respond(msgspec.json.encode(body), {ERROR: message, ERROR_CODE: "500"})


def _too_large(size: int, limit: int) -> tuple[bytes, Mapping[str, str]]:
    message = f"the answer has {size:,} bytes, where {limit:,} are allowed: ask for less"
    body = {"status": "unavailable", "code": "AnswerTooLarge", "message": message}
    return msgspec.json.encode(body), {ERROR: message, ERROR_CODE: "500"}
