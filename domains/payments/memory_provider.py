"""The provider in memory: it keeps books like the real one, and a test owns its moods."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from bus.outside import OutsideUnavailable
from domains.payments.memory_books import MemoryBooks
from domains.payments.provider import (
    Answer,
    Authorize,
    Capture,
    Done,
    MovementLine,
    Pending,
    Refund,
    Refusal,
    Rejected,
    ReportLine,
    Request,
    Settle,
    Void,
)

POLL = 60.0
"""Seconds until a pending payment should be asked for again."""


class MemoryProvider:
    """Set `outage` to have nothing answered, `losing` to have so many answers get lost on
    their way, `boletos_wait` to have boletos wait until `pay`; `hold` stops the world."""

    def __init__(self) -> None:
        self.outage = False
        self.losing = 0
        self.boletos_wait = False
        self.asked: list[Request] = []
        self.books = MemoryBooks()
        self._answers: dict[str, tuple[Request, Answer]] = {}
        self._failing: set[str] = set()
        self._open = asyncio.Event()
        self._open.set()

    async def ask(self, request: Request, idempotency_key: str) -> Answer:
        self.asked.append(request)
        await self._open.wait()
        if self.outage:
            raise OutsideUnavailable("the provider is down")
        first = idempotency_key not in self._answers
        answer = self._answer(request, idempotency_key)
        if first and _token(request) == "tok_lost":
            raise OutsideUnavailable("the connection broke off")
        if self.losing:
            self.losing -= 1
            raise OutsideUnavailable("the connection broke off")
        return answer

    async def close(self) -> None:
        """Has nothing to close."""

    def hold(self) -> None:
        """Nobody is answered until `release`."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def pay(self, order_id: str) -> None:
        """The customer pays the order's pending boletos."""
        for key, (request, answer) in self._answers.items():
            if isinstance(answer, Pending) and request.order_id == order_id:
                self._answers[key] = (request, self._charge(request))

    def capture_again(self, order_id: str) -> None:
        """A fault of its own: what was captured for the order is taken once more."""
        self.books.take_again(order_id)

    def report(self) -> Sequence[ReportLine]:
        """Its books, by payment."""
        return self.books.lines()

    def settlement(self) -> Sequence[MovementLine]:
        """Its settlement report, up to now."""
        return list(self.books.movements)

    def _answer(self, request: Request, key: str) -> Answer:
        if key not in self._answers:
            self._answers[key] = (request, self._decide(request))
        known, answer = self._answers[key]
        if known != request:
            raise Rejected(f"key {key} was used for another request")
        return answer

    def _decide(self, request: Request) -> Answer:
        match _token(request):
            case None if isinstance(request, Capture) and request.reference in self._failing:
                return Refusal("the card is closed")
            case None:
                return self._move(request)
            case "tok_decline":
                return Refusal("card declined")
            case "tok_pending":
                return Pending(POLL)
            case _ if self.boletos_wait and getattr(request, "type", "") == "boleto":
                return Pending(POLL)
            case _:
                return self._charge(request)

    def _charge(self, request: Request) -> Done:
        assert isinstance(request, Authorize | Settle)
        reference, amount = self.books.new_reference(), request.amount.amount
        held = isinstance(request, Authorize)
        if request.token == "tok_capture_fails":
            self._failing.add(reference)
        self.books.keep(
            ReportLine(
                reference=reference,
                order_id=request.order_id,
                payment=request.payment,
                type=request.type,
                currency=request.amount.currency,
                authorised=amount if held else 0,
                settled=0 if held else amount,
            )
        )
        return Done(reference)

    def _move(self, request: Request) -> Done:
        assert isinstance(request, Capture | Void | Refund)
        line, amount = self.books.line(request.reference), request.amount.amount
        if line is None or amount > _room(line, request):
            raise Rejected(f"{type(request).__name__} of more than there is: {request}")
        self.books.keep(replace(line, **_moved(line, request, amount)))
        return Done(request.reference)


def _room(line: ReportLine, request: Request) -> int:
    if isinstance(request, Refund):
        return line.captured + line.settled - line.refunded
    return line.authorised - line.captured - line.voided


def _moved(line: ReportLine, request: Request, amount: int) -> dict[str, Any]:
    match request:
        case Capture():
            return {"captured": line.captured + amount}
        case Void():
            return {"voided": line.voided + amount}
        case _:
            return {"refunded": line.refunded + amount}


def _token(request: Request) -> str | None:
    return request.token if isinstance(request, Authorize | Settle) else None
