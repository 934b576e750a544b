"""Each request is one call with a name of its own, and its answer is recorded where it belongs."""

import msgspec
import pytest

from bus.duties import Call
from bus.messages import Command
from bus.outside import Later
from domains.payments.answers import AskProvider
from domains.payments.messages import (
    CapturePayments,
    ChargeMoved,
    ParcelCharged,
    RecordAuthorization,
    RecordCapture,
    RecordCaptureFailure,
    RecordDecline,
    RecordRefund,
    RecordSettlement,
    RecordVoid,
)
from domains.payments.provider import (
    Answer,
    Authorize,
    Capture,
    Done,
    Pending,
    Refund,
    Refusal,
    Rejected,
    Request,
    Settle,
    Void,
)
from tests.unit.payments.examples import CARD, COLLECT, PAID, capture, eur, free, payments, shares

AUTHORIZE = Authorize(
    order_id="o-1",
    payment=2,
    customer_id="c-7",
    type="credit_card",
    amount=eur(5000),
    installments=3,
    token="visa",
)


def settle(payment: int, amount: int, token: str) -> Settle:
    return Settle(
        order_id="o-1",
        payment=payment,
        customer_id="c-7",
        type="voucher" if payment == 1 else "boleto",
        amount=eur(amount),
        token=token,
    )


CAPTURE = Capture(order_id="o-1", payment=2, parcel=1, amount=eur(2000), reference="ch_2")
VOID = Void(order_id="o-1", payment=CARD, number=1, amount=eur(500), reference="ch_2")
REFUND = Refund(order_id="o-1", payment=3, number=1, amount=eur(4000), reference="ch_3")


def test_collecting_calls_for_each_payment() -> None:
    payments().when(COLLECT).then_duties(
        Call(name="o-1:settle:1", request=settle(1, 1000, "gift")),
        Call(name="o-1:authorize:2", request=AUTHORIZE),
        Call(name="o-1:settle:3", request=settle(3, 4000, "")),
    )


def test_captures_are_told_apart_by_their_parcel() -> None:
    payments(*PAID).when(CapturePayments(id="o-1", parcel=1, value=eur(3000))).then_duties(
        Call(name="o-1:capture:2:1", request=CAPTURE)
    )


def test_voids_and_refunds_are_told_apart_by_their_number() -> None:
    first = payments(*PAID).when(free(4500, "ordering:9"))

    first.then_duties(
        Call(name="o-1:void:2:1", request=VOID), Call(name="o-1:refund:3:1", request=REFUND)
    )
    first.when(free(500, "ordering:12")).then_duties(
        Call(
            name="o-1:void:2:2",
            request=Void(order_id="o-1", payment=2, number=2, amount=eur(500), reference="ch_2"),
        )
    )


class Saying:
    """A provider that always says the same."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def ask(self, request: Request, idempotency_key: str) -> Answer:
        return self._answer

    async def close(self) -> None:
        """Has nothing to close."""


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        (AUTHORIZE, RecordAuthorization(id="o-1", payment=2, reference="ch_9")),
        (settle(1, 1, ""), RecordSettlement(id="o-1", payment=1, reference="ch_9")),
        (CAPTURE, RecordCapture(id="o-1", payment=2, parcel=1, amount=eur(2000))),
        (VOID, RecordVoid(id="o-1", payment=2, number=1, amount=eur(500))),
        (REFUND, RecordRefund(id="o-1", payment=3, number=1, amount=eur(4000))),
    ],
)
async def test_what_is_done_is_recorded(request_: Request, command: Command) -> None:
    assert await AskProvider(Saying(Done("ch_9")))(request_, "key") == command


async def test_a_decline_is_recorded_with_its_reason() -> None:
    declined = await AskProvider(Saying(Refusal("no funds")))(AUTHORIZE, "key")

    assert declined == RecordDecline(id="o-1", payment=2, reason="no funds")


async def test_a_refused_capture_is_recorded_as_the_one_that_failed() -> None:
    again = msgspec.structs.replace(CAPTURE, number=2)
    for asked in (CAPTURE, again):
        failed = await AskProvider(Saying(Refusal("card closed")))(asked, "key")

        assert failed == RecordCaptureFailure(
            id="o-1", payment=2, parcel=1, number=asked.number, reason="card closed"
        )
        done = await AskProvider(Saying(Done("ch_2")))(asked, "key")
        assert done == RecordCapture(
            id="o-1", payment=2, parcel=1, amount=eur(2000), number=asked.number
        )


def test_a_second_capture_for_a_parcel_has_a_name_of_its_own() -> None:
    first = payments(
        *PAID,
        ParcelCharged(parcel=1, value=eur(2000), shares=shares({CARD: 2000})),
        capture(1, 2000),
        ChargeMoved(parcel=1, amount=eur(300), shares=shares({CARD: 300})),
    )
    first.when(CapturePayments(id="o-1", parcel=2, value=eur(1000))).then_duties(
        Call(
            name="o-1:capture:2:1:2",
            request=Capture(
                order_id="o-1",
                payment=2,
                parcel=1,
                amount=eur(300),
                reference="ch_2",
                number=2,
            ),
        )
    )


async def test_what_is_pending_is_asked_again_later() -> None:
    assert await AskProvider(Saying(Pending(60)))(settle(3, 1, ""), "key") == Later(60)


@pytest.mark.parametrize("request_", [VOID, REFUND])
async def test_a_refused_movement_of_money_that_is_there_is_no_answer(request_: Request) -> None:
    with pytest.raises(Rejected, match="no funds"):
        await AskProvider(Saying(Refusal("no funds")))(request_, "key")
