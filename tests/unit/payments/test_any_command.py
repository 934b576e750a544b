"""Any of payments' own commands, in any state, leads to events or to nothing."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.decider import Refused
from bus.messages import Command
from bus.testing import NOW
from domains.payments.books import Books, Untouched
from domains.payments.messages import (
    CapturePayments,
    CollectPayments,
    RecordAuthorization,
    RecordCapture,
    RecordCaptureFailure,
    RecordDecline,
    RecordRefund,
    RecordSettlement,
    RecordVoid,
    RefundPayments,
    ReturnPayments,
)
from domains.payments.payment import PAYMENT
from tests.unit.payments.examples import eur

NUMBERS = st.integers(-1, 4)
MONEY = st.integers(0, 300).map(eur)
TEXTS = st.sampled_from(["a", "b"])
COLLECT = CollectPayments(
    customer_id="c-7",
    total=eur(200),
    types=["credit_card", "boleto", "voucher"],
    amounts=[eur(100), eur(70), eur(30)],
    installments=[1, 1, 1],
    tokens=["", "", ""],
)
COMMANDS = st.one_of(
    st.just(COLLECT),
    st.builds(CapturePayments, parcel=NUMBERS, value=MONEY),
    st.builds(ReturnPayments, value=MONEY, all_of_it=st.booleans(), cause_id=TEXTS),
    st.builds(RecordAuthorization, payment=NUMBERS, reference=TEXTS),
    st.builds(RecordSettlement, payment=NUMBERS, reference=TEXTS),
    st.builds(RecordDecline, payment=NUMBERS, reason=TEXTS),
    st.builds(RecordCapture, payment=NUMBERS, parcel=NUMBERS, amount=MONEY),
    st.builds(RefundPayments, value=MONEY, cause_id=TEXTS),
    st.builds(RecordCaptureFailure, payment=NUMBERS, parcel=NUMBERS, number=NUMBERS, reason=TEXTS),
    st.builds(RecordVoid, payment=NUMBERS, number=NUMBERS, amount=MONEY),
    st.builds(RecordRefund, payment=NUMBERS, number=NUMBERS, amount=MONEY),
)


@settings(max_examples=100)
@given(st.lists(COMMANDS, max_size=40))
def test_every_command_has_an_answer_and_no_payment_is_claimed_twice(
    commands: list[Command],
) -> None:
    books: Any = PAYMENT.initial
    for command in commands:
        try:
            events = PAYMENT.decide(command, books, NOW)
        except Refused:
            assert isinstance(command, CapturePayments)
            assert isinstance(books, Untouched)
            continue
        for event in events:
            again = msgspec.json.decode(msgspec.json.encode(event), type=type(event))
            books = PAYMENT.evolve(books, again)
        check(books)


def check(books: Untouched | Books) -> None:
    if isinstance(books, Books):
        for payment in books.payments:
            claimed = sum(payment.charged.values()) + payment.freed
            assert 0 <= claimed <= payment.amount
            assert payment.asked_back <= payment.freed + payment.repaid
            assert 0 <= payment.asked_refunds <= max(payment.repaid, payment.freed + payment.repaid)
            assert payment.repaid <= sum(payment.charged.values())
            assert set(payment.captures) <= set(payment.charged)
