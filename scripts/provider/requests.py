"""The provider's paths for money: one POST a request, with an Idempotency-Key.

They speak ASGI themselves: that saves a quarter of a request, and only so can an answer get
lost on its way. Its head goes out, its body never does, and the server closes the connection.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
from litestar import Request, asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send
from msgspec import Struct

from domains.payments import provider as port
from scripts.provider.charges import Impossible
from scripts.provider.control import Control
from scripts.provider.ledger import KeyReused, Ledger

MAX_KEY = 200
"""Characters of an idempotency key."""
MAX_BODY = 64 * 1024

PATHS: dict[str, type[port.Request]] = {
    "/authorizations": port.Authorize,
    "/settlements": port.Settle,
    "/captures": port.Capture,
    "/voids": port.Void,
    "/refunds": port.Refund,
}
_encoder = msgspec.json.Encoder()


class Reply(Struct, omit_defaults=True):
    """`reason` says why not, `code` is for programs to branch on."""

    reference: str = ""
    code: str = ""
    reason: str = ""


class Unanswerable(Exception):
    """Ends a request with a status and why."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reply = Reply(code=code, reason=reason)


def handlers() -> list[ASGIRouteHandler]:
    """One a path."""
    return [_handler(path, msgspec.json.Decoder(type)) for path, type in PATHS.items()]


def _handler(path: str, decoder: msgspec.json.Decoder[port.Request]) -> ASGIRouteHandler:
    @asgi(path, copy_scope=False)
    async def money(scope: Scope, receive: Receive, send: Send) -> None:
        http: Request[Any, Any, Any] = Request(scope, receive, send)
        key = _key(http)
        asked = _decoded(await _body(receive), decoder)
        answer, lost = await _answer(asked, key, http.app.state.ledger, http.app.state.control)
        await _send(answer, send, lost=lost)

    return money


def _key(http: Request[Any, Any, Any]) -> str:
    if http.method != "POST":
        raise Unanswerable(405, "Invalid", "money moves by POST")
    key = http.headers.get("idempotency-key", "")
    if not 0 < len(key) <= MAX_KEY:
        raise Unanswerable(400, "Invalid", f"an Idempotency-Key has 1 to {MAX_KEY} characters")
    return key


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Unanswerable(400, "Invalid", "the body broke off")
        body, more = body + message["body"], message["more_body"]
        if len(body) > MAX_BODY:
            raise Unanswerable(413, "Invalid", f"a body has at most {MAX_BODY} bytes")
    return body


def _decoded(body: bytes, decoder: msgspec.json.Decoder[port.Request]) -> port.Request:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unanswerable(400, "Invalid", str(error)) from None


async def _answer(
    asked: port.Request, key: str, ledger: Ledger, control: Control
) -> tuple[port.Answer, bool]:
    """The answer, and whether it is to get lost on its way."""
    if delay := control.delay(asked):
        await asyncio.sleep(delay)
    if control.outage:
        raise Unanswerable(503, "Outage", "out of order, try again later")
    try:
        answer, first = ledger.ask(asked, key, control, time.time())
    except KeyReused:
        raise Unanswerable(422, "KeyReused", "the key was used for another request") from None
    except Impossible as error:
        raise Unanswerable(409, "Impossible", str(error)) from None
    return answer, first and control.loses(asked)


async def _send(answer: port.Answer, send: Send, *, lost: bool) -> None:
    status, reply = _reply(answer)
    body = _encoder.encode(reply)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if isinstance(answer, port.Pending):
        headers.append((b"retry-after", f"{answer.seconds:.3f}".encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if not lost:
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _reply(answer: port.Answer) -> tuple[int, Reply]:
    match answer:
        case port.Done(reference):
            return 200, Reply(reference=reference)
        case port.Refusal(reason):
            return 402, Reply(code="Declined", reason=reason)
        case _:
            return 202, Reply(code="Pending")
