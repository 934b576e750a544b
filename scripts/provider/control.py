"""The provider's moods: what `POST /control` sets."""

from __future__ import annotations

import hashlib
from typing import Annotated

from msgspec import Meta, Struct

from domains.payments.provider import Authorize, Capture, Refund, Request, Settle, Void

Rate = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=366 * 24 * 3600)]


class Control(Struct, frozen=True, forbid_unknown_fields=True):
    """`latency_ms` delays each answer, `slow_ms` those to tok_slow; `outage` answers 503.

    A charge is declined at `decline_rate`; an answer is lost, after it has had its effect,
    at `lost_answer_rate` (asked again, it is given). A boleto is paid after `boleto_delay_s`.
    The dice are a function of `seed` and of what is asked, so a run can be repeated.
    """

    latency_ms: Annotated[float, Meta(ge=0, le=60_000)] = 0
    slow_ms: Annotated[float, Meta(ge=0, le=60_000)] = 2_000
    outage: bool = False
    decline_rate: Rate = 0
    lost_answer_rate: Rate = 0
    boleto_delay_s: Seconds = 0
    seed: int = 1

    def declines(self, request: Authorize | Settle) -> bool:
        if request.token == "tok_decline":
            return True
        return self.decline_rate > 0 and self._dice("decline", request) < self.decline_rate

    def loses(self, request: Request) -> bool:
        if isinstance(request, Authorize | Settle) and request.token == "tok_lost":
            return True
        return self.lost_answer_rate > 0 and self._dice("lose", request) < self.lost_answer_rate

    def delay(self, request: Request) -> float:
        """Seconds to wait before answering."""
        slow = isinstance(request, Authorize | Settle) and request.token == "tok_slow"
        return (self.latency_ms + (self.slow_ms if slow else 0)) / 1000

    def _dice(self, what: str, request: Request) -> float:
        """Between 0 and 1, the same for the same question."""
        thrown = f"{self.seed} {what} {type(request).__name__} {_name(request)}".encode()
        return int.from_bytes(hashlib.blake2b(thrown, digest_size=8).digest(), "big") / 2**64


def _name(request: Request) -> str:
    match request:
        case Capture(order_id=order, payment=payment, parcel=part):
            return f"{order} {payment} {part}"
        case (
            Void(order_id=order, payment=payment, number=part)
            | Refund(order_id=order, payment=payment, number=part)
        ):
            return f"{order} {payment} {part}"
        case _:
            return f"{request.order_id} {request.payment}"
