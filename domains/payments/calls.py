"""The calls to the provider that payments' events lead to."""

from __future__ import annotations

from collections.abc import Iterable

from bus.duties import Call, Duty
from bus.envelope import Recorded
from bus.messages import Event
from domains.payments.messages import (
    AuthorizationRequested,
    CaptureRequested,
    RefundRequested,
    SettlementRequested,
    VoidRequested,
)
from domains.payments.provider import (
    Authorize,
    Capture,
    Refund,
    Request,
    Settle,
    Void,
)


def duties(recorded: Recorded[Event]) -> Iterable[Duty]:
    """One call for each request; its name says what for."""
    match recorded.data:
        case AuthorizationRequested() as asked:
            yield _call(recorded.id, "authorize", _authorize(recorded.id, asked))
        case SettlementRequested() as asked:
            yield _call(recorded.id, "settle", _settle(recorded.id, asked))
        case CaptureRequested() as asked:
            again = "" if asked.number == 1 else f":{asked.number}"
            part = f"{asked.parcel}{again}"
            yield _call(recorded.id, "capture", _capture(recorded.id, asked), part)
        case VoidRequested() as asked:
            yield _call(recorded.id, "void", _void(recorded.id, asked), asked.number)
        case RefundRequested() as asked:
            yield _call(recorded.id, "refund", _refund(recorded.id, asked), asked.number)
        case _:
            return


def _call(order_id: str, kind: str, request: Request, number: int | str | None = None) -> Call:
    last = "" if number is None else f":{number}"
    return Call(name=f"{order_id}:{kind}:{request.payment}{last}", request=request)


def _authorize(order_id: str, asked: AuthorizationRequested) -> Authorize:
    return Authorize(
        order_id=order_id,
        payment=asked.payment,
        customer_id=asked.customer_id,
        type=asked.type,
        amount=asked.amount,
        installments=asked.installments,
        token=asked.token,
    )


def _settle(order_id: str, asked: SettlementRequested) -> Settle:
    return Settle(
        order_id=order_id,
        payment=asked.payment,
        customer_id=asked.customer_id,
        type=asked.type,
        amount=asked.amount,
        token=asked.token,
    )


def _capture(order_id: str, asked: CaptureRequested) -> Capture:
    return Capture(
        order_id=order_id,
        payment=asked.payment,
        parcel=asked.parcel,
        amount=asked.amount,
        reference=asked.reference,
        number=asked.number,
    )


def _void(order_id: str, asked: VoidRequested) -> Void:
    return Void(
        order_id=order_id,
        payment=asked.payment,
        number=asked.number,
        amount=asked.amount,
        reference=asked.reference,
    )


def _refund(order_id: str, asked: RefundRequested) -> Refund:
    return Refund(
        order_id=order_id,
        payment=asked.payment,
        number=asked.number,
        amount=asked.amount,
        reference=asked.reference,
    )
