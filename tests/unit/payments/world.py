"""A provider's books in a few lines, fed with the requests that payments records."""

from __future__ import annotations

from collections import defaultdict

from bus.messages import Command, Event
from domains.payments.messages import (
    AuthorizationRequested,
    CaptureRequested,
    RecordAuthorization,
    RecordCapture,
    RecordCaptureFailure,
    RecordDecline,
    RecordRefund,
    RecordSettlement,
    RecordVoid,
    RefundRequested,
    SettlementRequested,
    VoidRequested,
)

Asked = (
    AuthorizationRequested
    | SettlementRequested
    | CaptureRequested
    | VoidRequested
    | RefundRequested
)


class World:
    """Of payments in `closed` nothing can be captured. `held` and `taken` by payment; `asked` waits
    for an answer. No money moves that isn't there: AssertionError."""

    def __init__(
        self, declined: frozenset[int] = frozenset(), closed: frozenset[int] = frozenset()
    ) -> None:
        self.declined = declined
        self.closed = closed
        self.held: dict[int, int] = defaultdict(int)
        self.taken: dict[int, int] = defaultdict(int)
        self.asked: list[Asked] = []

    def hear(self, event: Event) -> None:
        if isinstance(event, Asked):
            self.asked.append(event)

    def answer(self, request: Asked) -> Command:
        """Does what was asked, and says so."""
        self.asked.remove(request)
        number = request.payment
        if isinstance(request, AuthorizationRequested | SettlementRequested):
            return self._charge(request)
        if isinstance(request, RefundRequested):
            self._move(self.taken, number, request.amount.amount)
            return RecordRefund(payment=number, number=request.number, amount=request.amount)
        if isinstance(request, CaptureRequested) and number in self.closed:
            return RecordCaptureFailure(
                payment=number, parcel=request.parcel, number=request.number, reason="closed"
            )
        self._move(self.held, number, request.amount.amount)
        if isinstance(request, VoidRequested):
            return RecordVoid(payment=number, number=request.number, amount=request.amount)
        self.taken[number] += request.amount.amount
        return RecordCapture(
            payment=number, parcel=request.parcel, number=request.number, amount=request.amount
        )

    def _charge(self, request: AuthorizationRequested | SettlementRequested) -> Command:
        number = request.payment
        if number in self.declined:
            return RecordDecline(payment=number, reason="no funds")
        if isinstance(request, AuthorizationRequested):
            self.held[number] += request.amount.amount
            return RecordAuthorization(payment=number, reference=f"ch_{number}")
        self.taken[number] += request.amount.amount
        return RecordSettlement(payment=number, reference=f"ch_{number}")

    def _move(self, purse: dict[int, int], number: int, amount: int) -> None:
        assert 0 < amount <= purse[number], f"{amount} of payment {number}, which has {purse}"
        purse[number] -= amount
