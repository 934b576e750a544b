"""The provider's application: the paths for money, its report, and its control."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from litestar.response import Stream
from msgspec import Struct
from msgspec.structs import asdict

from domains.payments.provider import ReportLine
from scripts.provider.control import Control
from scripts.provider.ledger import Ledger
from scripts.provider.requests import Reply, Unanswerable, handlers

Asked = Request[Any, Any, State]
PAGE = Annotated[int, Parameter(ge=1, le=10_000)]


class Report(Struct):
    """Sums by type over all payments, and one page of payments; `next` goes into `after`."""

    totals: Mapping[str, Mapping[str, int]]
    payments: Sequence[ReportLine]
    next: int | None


@get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@get("/report")
async def report(
    state: State, after: int = 0, limit: PAGE = 1000, order_id: str | None = None
) -> Report:
    ledger: Ledger = state.ledger
    totals = ledger.totals(time.time())
    lines, following = ledger.charges.lines(after, limit, order_id)
    return Report(totals, lines, following)


@get("/settlement-report", media_type="text/csv")
async def settlement_report(
    state: State, since: datetime | None = None, until: datetime | None = None
) -> Stream:
    """All movements of money as CSV, which `trueup settle` reads."""
    ledger: Ledger = state.ledger
    ledger.pay_due(time.time())
    return Stream(ledger.charges.movements.report(since, until), media_type="text/csv")


@get("/control")
async def show_control(state: State) -> Control:
    control: Control = state.control
    return control


@post("/control", status_code=200)
async def change_control(request: Asked) -> Control:
    """Changes what the body names; the rest stays as it was."""
    state = request.app.state
    try:
        changes = msgspec.json.decode(await request.body(), type=dict[str, Any])
        control = msgspec.convert({**asdict(state.control), **changes}, Control)
    except msgspec.MsgspecError as error:
        raise Unanswerable(400, "Invalid", str(error)) from None
    state.ledger.keep_control(control)
    state.control = control
    return control


@post("/boletos/{order_id:str}/pay", status_code=200)
async def pay(order_id: str, state: State) -> dict[str, int]:
    """The customer pays what is pending of an order."""
    return {"paid": state.ledger.pay(order_id)}


BOOKS = (report, settlement_report)


def create(ledger: Ledger) -> Litestar:
    return Litestar(
        route_handlers=[*handlers(), *BOOKS, health, show_control, change_control, pay],
        state=State({"ledger": ledger, "control": ledger.control()}),
        exception_handlers={Unanswerable: _unanswerable, HTTPException: _invalid},
        openapi_config=None,
        logging_config=None,
    )


def _unanswerable(_: Asked, error: Unanswerable) -> Response[Reply]:
    return Response(error.reply, status_code=error.status)


def _invalid(_: Asked, error: HTTPException) -> Response[Reply]:
    reason = f"{error.detail} {error.extra or ''}".strip()
    return Response(Reply(code="Invalid", reason=reason), status_code=error.status_code)
