"""What payments relies on in a provider: of the simulator's process, and of the one in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import aiohttp
import pytest

from bus.messages import Money
from bus.outside import OutsideUnavailable
from domains.payments.provider import (
    Authorize,
    Capture,
    Done,
    Pending,
    Refund,
    Refusal,
    Rejected,
    Settle,
    Void,
)
from tests.contract.providers import HttpStage, MemoryStage, Simulator, Stage


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("provider") / "books.sqlite")
    simulator.start()
    yield simulator
    simulator.kill()


@pytest.fixture(params=["memory", "http"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "memory":
        yield MemoryStage()
        return
    simulator: Simulator = request.getfixturevalue("simulator")
    async with aiohttp.ClientSession() as session:
        stage = HttpStage(simulator.url, session)
        await stage.control(outage=False, boleto_delay_s=0)
        yield stage
        await stage.provider.close()


@pytest.fixture
def order(request: pytest.FixtureRequest) -> str:
    """An order of the test's own: the simulator's books outlive it."""
    return f"o-{request.node.name}"


def brl(amount: int) -> Money:
    return Money(amount, "BRL")


def authorize(order: str, amount: int = 5000, token: str = "") -> Authorize:
    return Authorize(
        order_id=order,
        payment=1,
        customer_id="c-7",
        type="credit_card",
        amount=brl(amount),
        installments=3,
        token=token,
    )


def settle(order: str, amount: int = 4000, token: str = "") -> Settle:
    return Settle(
        order_id=order,
        payment=2,
        customer_id="c-7",
        type="boleto",
        amount=brl(amount),
        token=token,
    )


def capture(order: str, amount: int, reference: str) -> Capture:
    return Capture(order_id=order, payment=1, parcel=1, amount=brl(amount), reference=reference)


def void(order: str, amount: int, reference: str) -> Void:
    return Void(order_id=order, payment=1, number=1, amount=brl(amount), reference=reference)


def refund(order: str, amount: int, reference: str) -> Refund:
    return Refund(order_id=order, payment=1, number=1, amount=brl(amount), reference=reference)


async def held(stage: Stage, order: str, amount: int = 5000) -> str:
    answer = await stage.provider.ask(authorize(order, amount), f"{order}-held")
    assert isinstance(answer, Done)
    return answer.reference


async def test_a_card_is_held_and_a_boleto_taken(stage: Stage, order: str) -> None:
    await stage.provider.ask(authorize(order), f"{order}-1")
    await stage.provider.ask(settle(order), f"{order}-2")

    card, boleto = await stage.report(order)
    assert (card.payment, card.type, card.authorised, card.settled) == (1, "credit_card", 5000, 0)
    assert (boleto.payment, boleto.type, boleto.authorised, boleto.settled) == (
        2,
        "boleto",
        0,
        4000,
    )


async def test_the_same_key_gives_the_same_answer_and_charges_once(
    stage: Stage, order: str
) -> None:
    answers = [await stage.provider.ask(authorize(order), f"{order}-1") for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert [line.authorised for line in await stage.report(order)] == [5000]


async def test_another_key_is_another_charge(stage: Stage, order: str) -> None:
    first = await stage.provider.ask(authorize(order), f"{order}-1")
    second = await stage.provider.ask(authorize(order), f"{order}-2")

    assert first != second
    assert len(await stage.report(order)) == 2


async def test_a_key_used_for_something_else_is_rejected(stage: Stage, order: str) -> None:
    await stage.provider.ask(authorize(order), f"{order}-1")

    with pytest.raises(Rejected, match="another request"):
        await stage.provider.ask(authorize(order, 5001), f"{order}-1")
    assert [line.authorised for line in await stage.report(order)] == [5000]


async def test_a_decline_is_an_answer_and_stays_one(stage: Stage, order: str) -> None:
    for request in (authorize(order, token="tok_decline"), settle(order, token="tok_decline")):
        first = await stage.provider.ask(request, f"{order}-{request.payment}")
        again = await stage.provider.ask(request, f"{order}-{request.payment}")

        assert isinstance(first, Refusal)
        assert first.reason
        assert first == again
    assert await stage.report(order) == []


async def test_a_lost_answer_is_there_when_asked_again_and_charged_once(
    stage: Stage, order: str
) -> None:
    with pytest.raises(OutsideUnavailable):
        await stage.provider.ask(authorize(order, token="tok_lost"), f"{order}-1")
    assert [line.authorised for line in await stage.report(order)] == [5000]

    answer = await stage.provider.ask(authorize(order, token="tok_lost"), f"{order}-1")

    assert [line.reference for line in await stage.report(order)] == [answer.reference]  # type: ignore[union-attr]


async def test_in_an_outage_nothing_is_charged(stage: Stage, order: str) -> None:
    await stage.outage(True)
    with pytest.raises(OutsideUnavailable):
        await stage.provider.ask(authorize(order), f"{order}-1")
    assert await stage.report(order) == []

    await stage.outage(False)

    assert isinstance(await stage.provider.ask(authorize(order), f"{order}-1"), Done)


async def test_a_boleto_that_waits_is_pending_until_it_is_paid(stage: Stage, order: str) -> None:
    await stage.let_boletos_wait()
    for _ in range(2):
        waiting = await stage.provider.ask(settle(order), f"{order}-1")
        assert isinstance(waiting, Pending)
        assert waiting.seconds > 0
    assert await stage.report(order) == []

    await stage.pay(order)

    assert isinstance(await stage.provider.ask(settle(order), f"{order}-1"), Done)
    assert [line.settled for line in await stage.report(order)] == [4000]


async def test_cards_do_not_wait_with_the_boletos(stage: Stage, order: str) -> None:
    await stage.let_boletos_wait()

    assert isinstance(await stage.provider.ask(authorize(order), f"{order}-1"), Done)


async def test_a_pending_token_stays_pending_whatever_the_type(stage: Stage, order: str) -> None:
    pending = await stage.provider.ask(authorize(order, token="tok_pending"), f"{order}-1")

    assert isinstance(pending, Pending)
    await stage.pay(order)
    assert isinstance(
        await stage.provider.ask(authorize(order, token="tok_pending"), f"{order}-1"), Done
    )
    assert [line.authorised for line in await stage.report(order)] == [5000]


async def test_what_is_held_is_captured_and_let_go_in_parts(stage: Stage, order: str) -> None:
    reference = await held(stage, order)

    await stage.provider.ask(capture(order, 2000, reference), f"{order}-c1")
    await stage.provider.ask(void(order, 500, reference), f"{order}-v1")
    await stage.provider.ask(capture(order, 2500, reference), f"{order}-c2")
    await stage.provider.ask(capture(order, 2500, reference), f"{order}-c2")

    (line,) = await stage.report(order)
    assert (line.authorised, line.captured, line.voided, line.refunded) == (5000, 4500, 500, 0)


async def test_no_more_is_captured_than_is_held(stage: Stage, order: str) -> None:
    reference = await held(stage, order)
    await stage.provider.ask(void(order, 1, reference), f"{order}-v1")

    with pytest.raises(Rejected):
        await stage.provider.ask(capture(order, 5000, reference), f"{order}-c1")
    with pytest.raises(Rejected):
        await stage.provider.ask(void(order, 5000, reference), f"{order}-v2")
    with pytest.raises(Rejected):
        await stage.provider.ask(capture(order, 1, "ch_of_nobody"), f"{order}-c2")
    (line,) = await stage.report(order)
    assert (line.captured, line.voided) == (0, 1)


async def test_no_more_is_refunded_than_was_taken(stage: Stage, order: str) -> None:
    reference = await held(stage, order)
    await stage.provider.ask(capture(order, 2000, reference), f"{order}-c1")

    with pytest.raises(Rejected):
        await stage.provider.ask(refund(order, 2001, reference), f"{order}-r1")
    await stage.provider.ask(refund(order, 2000, reference), f"{order}-r2")

    (line,) = await stage.report(order)
    assert (line.captured, line.refunded) == (2000, 2000)


async def test_a_capture_that_fails_takes_nothing_and_stays_failed(
    stage: Stage, order: str
) -> None:
    answer = await stage.provider.ask(authorize(order, token="tok_capture_fails"), f"{order}-1")
    assert isinstance(answer, Done)
    reference = answer.reference

    first = await stage.provider.ask(capture(order, 2000, reference), f"{order}-c1")
    again = await stage.provider.ask(capture(order, 2000, reference), f"{order}-c1")
    other = await stage.provider.ask(capture(order, 500, reference), f"{order}-c2")

    assert isinstance(first, Refusal)
    assert first.reason
    assert first == again == other
    (line,) = await stage.report(order)
    assert (line.authorised, line.captured, line.voided) == (5000, 0, 0)


async def test_what_could_not_be_captured_can_be_let_go(stage: Stage, order: str) -> None:
    answer = await stage.provider.ask(authorize(order, token="tok_capture_fails"), f"{order}-1")
    assert isinstance(answer, Done)
    await stage.provider.ask(capture(order, 2000, answer.reference), f"{order}-c1")

    voided = await stage.provider.ask(void(order, 5000, answer.reference), f"{order}-v1")

    assert isinstance(voided, Done)
    (line,) = await stage.report(order)
    assert (line.captured, line.voided) == (0, 5000)


async def test_other_cards_are_captured_as_before(stage: Stage, order: str) -> None:
    await stage.provider.ask(authorize(order, token="tok_capture_fails"), f"{order}-1")
    reference = await held(stage, order)

    captured = await stage.provider.ask(capture(order, 2000, reference), f"{order}-c1")

    assert isinstance(captured, Done)


async def test_each_time_that_money_moves_is_a_movement_of_its_own(
    stage: Stage, order: str
) -> None:
    before = datetime.now(UTC)
    reference = await held(stage, order)
    assert await stage.settlement(order) == []
    for number, amount in (("c1", 2000), ("c2", 1500), ("c2", 1500)):
        await stage.provider.ask(capture(order, amount, reference), f"{order}-{number}")
    await stage.provider.ask(void(order, 500, reference), f"{order}-v1")
    await stage.provider.ask(refund(order, 300, reference), f"{order}-r1")
    boleto = await stage.provider.ask(settle(order), f"{order}-s1")
    assert isinstance(boleto, Done)

    lines = await stage.settlement(order)

    assert [(line.payment, line.reference, line.kind, line.amount) for line in lines] == [
        (1, reference, "captured", 2000),
        (1, reference, "captured", 1500),
        (1, reference, "refunded", 300),
        (2, boleto.reference, "captured", 4000),
    ]
    assert {line.currency for line in lines} == {"BRL"}
    assert len({line.movement for line in lines}) == 4
    times = [line.time for line in lines]
    assert sorted(times) == times
    assert before <= times[0] <= times[-1] <= datetime.now(UTC)
    assert await stage.settlement(order) == lines


async def test_what_is_pending_or_declined_moves_nothing(stage: Stage, order: str) -> None:
    await stage.provider.ask(settle(order, token="tok_pending"), f"{order}-1")
    await stage.provider.ask(settle(order, token="tok_decline"), f"{order}-2")
    assert await stage.settlement(order) == []

    await stage.pay(order)

    assert [line.amount for line in await stage.settlement(order)] == [4000]
