"""The provider's paths for money: one POST a request, with an Idempotency-Key."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.params import Parameter
from msgspec import Struct

from domains.payments import provider as port
from scripts.provider.charges import Impossible
from scripts.provider.ledger import KeyReused

Key = Annotated[str, Parameter(header="Idempotency-Key", min_length=1, max_length=200)]
Asked = Request[Any, Any, State]
LOST = "provider_lost"
"""Set in a request's scope when its answer is to get lost on the way."""


class Reply(Struct, omit_defaults=True):
    """`reason` says why not, `code` is for programs to branch on."""

    reference: str = ""
    code: str = ""
    reason: str = ""


class Rejected(Exception):
    """Ends a request with a status and why."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reply = Reply(code=code, reason=reason)


@post("/authorizations")
async def authorize(data: port.Authorize, key: Key, request: Asked) -> Response[Reply]:
    return await _ask(data, key, request)


@post("/settlements")
async def settle(data: port.Settle, key: Key, request: Asked) -> Response[Reply]:
    return await _ask(data, key, request)


@post("/captures")
async def capture(data: port.Capture, key: Key, request: Asked) -> Response[Reply]:
    return await _ask(data, key, request)


@post("/voids")
async def void(data: port.Void, key: Key, request: Asked) -> Response[Reply]:
    return await _ask(data, key, request)


@post("/refunds")
async def refund(data: port.Refund, key: Key, request: Asked) -> Response[Reply]:
    return await _ask(data, key, request)


async def _ask(data: port.Request, key: str, request: Asked) -> Response[Reply]:
    state = request.app.state
    if delay := state.control.delay(data):
        await asyncio.sleep(delay)
    if state.control.outage:
        raise Rejected(503, "Outage", "out of order, try again later")
    try:
        answer, first = state.ledger.ask(data, key, state.control, time.time())
    except KeyReused:
        raise Rejected(422, "KeyReused", "the key was used for another request") from None
    except Impossible as error:
        raise Rejected(409, "Impossible", str(error)) from None
    if first and state.control.loses(data):
        request.scope[LOST] = True  # type: ignore[literal-required]
    return _response(answer)


def _response(answer: port.Answer) -> Response[Reply]:
    match answer:
        case port.Done(reference):
            return Response(Reply(reference=reference), status_code=200)
        case port.Refusal(reason):
            return Response(Reply(code="Declined", reason=reason), status_code=402)
        case _:
            wait = {"Retry-After": f"{answer.seconds:.3f}"}
            return Response(Reply(code="Pending"), status_code=202, headers=wait)
