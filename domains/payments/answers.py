"""What the provider answers, as commands of payments to itself."""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from bus.messages import Command
from bus.outside import Later
from domains.payments.messages import (
    RecordAuthorization,
    RecordCapture,
    RecordCaptureFailure,
    RecordDecline,
    RecordRefund,
    RecordSettlement,
    RecordVoid,
)
from domains.payments.provider import (
    REQUESTS,
    Authorize,
    Capture,
    Pending,
    Provider,
    Refund,
    Refusal,
    Rejected,
    Request,
    Settle,
    Void,
)


class AskProvider:
    """Payments' world outside: takes a request to the provider and its answer back."""

    requests: tuple[type[Struct], ...] = REQUESTS

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def __call__(self, request: Request, idempotency_key: str) -> Command | Later:
        """Raises OutsideUnavailable, Rejected."""
        answer = await self._provider.ask(request, idempotency_key)
        match answer:
            case Pending(seconds):
                return Later(seconds)
            case Refusal(reason):
                return _declined(request, reason)
            case _:
                return _done(request, answer.reference)

    async def close(self) -> None:
        await self._provider.close()


def _declined(request: Request, reason: str) -> Command:
    if isinstance(request, Authorize | Settle):
        return RecordDecline(id=request.order_id, payment=request.payment, reason=reason)
    if isinstance(request, Capture):
        return RecordCaptureFailure(
            id=request.order_id,
            payment=request.payment,
            parcel=request.parcel,
            number=request.number,
            reason=reason,
        )
    # Money can be let go or given back: no business rule of ours covers a refusal.
    raise Rejected(f"{type(request).__name__} for {request.order_id} declined: {reason}")


def _done(request: Request, reference: str) -> Command:
    order, payment = request.order_id, request.payment
    match request:
        case Authorize():
            return RecordAuthorization(id=order, payment=payment, reference=reference)
        case Settle():
            return RecordSettlement(id=order, payment=payment, reference=reference)
        case Capture(parcel=parcel, amount=amount, number=number):
            return RecordCapture(
                id=order, payment=payment, parcel=parcel, amount=amount, number=number
            )
        case Void(number=number, amount=amount):
            return RecordVoid(id=order, payment=payment, number=number, amount=amount)
        case Refund(number=number, amount=amount):
            return RecordRefund(id=order, payment=payment, number=number, amount=amount)
        case _:
            assert_never(request)
