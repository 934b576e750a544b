"""What the provider's report and payments' books have to do with each other, by their events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from bus.messages import Event, Money
from bus.testing import at
from bus.testing.told import START, told
from domains.ordering.messages import (
    OrderCancelled,
    OrderDelivered,
    OrderPayment,
    PaymentRequested,
)
from domains.payments.messages import (
    AuthorizationRequested,
    CaptureFailed,
    CaptureRequested,
    Movement,
    PaymentAdjusted,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentSettled,
    Period,
    RefundRequested,
    SettlementReported,
    SettlementRequested,
)
from domains.reconciliation.messages import CorrectPayment
from projections.reconciliation import VIEW
from projections.reconciliation.rules import RULES
from projections.reconciliation.settlement import ANSWERED
from tests.unit.payments.reports import Kind

LONG = START + timedelta(days=30)
CARD, PAID = 1, 2


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


def capture(amount: int, parcel: int = 1) -> tuple[Event, Event]:
    return asked(amount, parcel), PaymentCaptured(
        payment=CARD, parcel=parcel, type="credit_card", amount=eur(amount)
    )


def asked(amount: int, parcel: int = 1) -> Event:
    return CaptureRequested(payment=CARD, parcel=parcel, amount=eur(amount), reference="ch_1")


def refund(amount: int, payment: int = PAID) -> tuple[Event, Event]:
    return (
        RefundRequested(payment=payment, amount=eur(amount), reference="ch_2"),
        PaymentRefunded(payment=payment, type="boleto", amount=eur(amount)),
    )


HOLD = AuthorizationRequested(
    customer_id="c-7",
    payment=CARD,
    type="credit_card",
    amount=eur(1000),
    installments=1,
    token="",
)
TAKE = SettlementRequested(
    customer_id="c-7", payment=PAID, type="boleto", amount=eur(500), token=""
)
HELD = PaymentAuthorized(payment=CARD, type="credit_card", amount=eur(1000), reference="ch_1")
TOOK = PaymentSettled(payment=PAID, type="boleto", amount=eur(500), reference="ch_2")
OPEN = (HOLD, TAKE, HELD, TOOK)
BOOKS = (*OPEN, *capture(400), *capture(600, 2))
ALL = ((CARD, 400), (CARD, 600), (PAID, 500))


def reported(
    *moved: tuple[int, int] | tuple[int, int, Kind], currency: str = "EUR", **covered: Any
) -> SettlementReported:
    movements = [
        Movement(
            id=f"mv-{number}",
            time=START,
            payment=each[0],
            reference=f"ch_{each[0]}",
            kind=each[2] if len(each) == 3 else "captured",
            amount=Money(each[1], currency),
        )
        for number, each in enumerate(moved, 1)
    ]
    period = Period(**{"until": LONG, **covered})
    return SettlementReported(movements=movements, covered=[period])


def adjusted(captured: int, refunded: int = 0) -> PaymentAdjusted:
    return PaymentAdjusted(
        payment=CARD,
        type="credit_card",
        currency="EUR",
        captured=captured,
        refunded=refunded,
        parcels=[],
        unclaimed=0,
        rule="settlement-differs",
        divergence_id="settlement-differs-o-1-1",
    )


async def row(*events: Event, ended: Event | None = None) -> Any:
    payments = [OrderPayment(payment=1, type="boleto", amount=eur(1), installments=1, token="")]
    wanted = PaymentRequested(
        customer_id="c-7", payments=payments, total=eur(1500), expires_at=LONG
    )
    ordered = [wanted, ended] if ended else [wanted]
    return await (await told(VIEW, at("o-1", *ordered), at("o-1", *events))).row("order/o-1")


async def rules(*events: Event, ended: Event) -> set[str]:
    return {task["found"]["rule"] for task in (await row(*events, ended=ended))["tasks"]}


async def found(*events: Event) -> Sequence[Any]:
    tasks = (await row(*events))["tasks"]
    names = {rule.name for rule in RULES if "settlement" in rule.name or "charged" in rule.name}
    return [task["found"] for task in tasks if task["found"]["rule"] in names]


SAID: dict[str, tuple[str, SettlementReported, tuple[int, int, int]]] = {
    "one of two captures": (
        "settlement-missing-there",
        reported((CARD, 400), (PAID, 500)),
        (CARD, -600, 0),
    ),
    "nothing of a boleto": (
        "settlement-missing-there",
        reported((CARD, 400), (CARD, 600)),
        (PAID, -500, 0),
    ),
    "another amount": (
        "settlement-differs",
        reported((CARD, 400), (CARD, 599), (PAID, 500)),
        (CARD, -1, 0),
    ),
    "all of it at once, and less": (
        "settlement-differs",
        reported((CARD, 990), (PAID, 500)),
        (CARD, -10, 0),
    ),
    "one of them twice": ("charged-twice", reported(*ALL, (CARD, 400)), (CARD, 400, 0)),
    "all of them twice": (
        "charged-twice",
        reported(*ALL, (CARD, 600), (CARD, 400)),
        (CARD, 1000, 0),
    ),
    "something else beside": ("settlement-missing-here", reported(*ALL, (CARD, 1)), (CARD, 1, 0)),
    "a refund": (
        "settlement-missing-here",
        reported(*ALL, (PAID, 500, "refunded")),
        (PAID, 0, 500),
    ),
}


@pytest.mark.parametrize("name", SAID)
async def test_each_difference_has_one_name_and_one_remedy(name: str) -> None:
    rule, report, (payment, captured, refunded) = SAID[name]
    (only,) = await found(*BOOKS, report)
    assert (only["rule"], only["part"]) == (rule, str(payment))
    remedy = CorrectPayment(payment=payment, captured=captured, refunded=refunded)
    assert only["remedy"] == {
        "do": "CorrectPayment",
        "domain": "payments",
        "payment": remedy.payment,
        "captured": remedy.captured,
        "refunded": remedy.refunded,
    }
    assert only["amount"] == {"amount": max(abs(captured), abs(refunded)), "currency": "EUR"}


async def test_where_both_say_the_same_there_is_nothing() -> None:
    assert await found(*BOOKS, reported(*ALL)) == []
    assert await found(*BOOKS, reported((CARD, 1000), (PAID, 250), (PAID, 250))) == []
    assert await found(*BOOKS, *refund(500), reported(*ALL, (PAID, 500, "refunded"))) == []
    assert await found(*BOOKS) == []


async def test_after_an_adjustment_the_next_difference_has_a_name_of_its_own() -> None:
    less = (*BOOKS, reported((CARD, 399), (CARD, 600), (PAID, 500)), adjusted(-1))
    assert await found(*less) == []
    twice = Movement(
        id="mv-9",
        time=START,
        payment=CARD,
        reference="ch_1",
        kind="captured",
        amount=eur(399),
    )
    again = SettlementReported(movements=[twice], covered=[Period(until=LONG)])
    assert [each["rule"] for each in await found(*less, again)] == ["charged-twice"]


async def test_a_report_says_nothing_of_money_that_moved_after_it() -> None:
    second = START + timedelta(seconds=1)
    assert await found(*BOOKS, reported(until=second)) == []
    assert len(await found(*BOOKS, reported(until=START + timedelta(minutes=1)))) == 2


async def test_a_report_says_nothing_of_money_that_moved_before_it() -> None:
    assert await found(*BOOKS, reported(since=START + timedelta(seconds=5))) == []
    assert len(await found(*BOOKS, reported(since=START))) == 2


async def test_an_answer_that_is_awaited_is_missing_after_a_day() -> None:
    open = (*OPEN, *capture(400), asked(600, 2), reported(*ALL))
    (late,) = await found(*open)
    assert (late["rule"], late["remedy"]) == ("settlement-missing-here", None)
    (early,) = await found(*BOOKS, reported(*ALL, (PAID, 1)))
    since = [datetime.fromisoformat(each["since"]) for each in (early, late)]
    assert since[1] - since[0] >= ANSWERED - timedelta(seconds=1)


async def test_what_it_says_again_does_not_put_that_off() -> None:
    open = (*OPEN, *capture(400), asked(600, 2), reported(*ALL))
    (first,) = await found(*open)
    again = SettlementReported(movements=[], covered=[Period(until=LONG + timedelta(days=1))])
    (later,) = await found(*open, again)
    assert later["since"] == first["since"]


async def test_a_capture_that_failed_is_answered() -> None:
    failed = CaptureFailed(
        payment=CARD, parcel=2, number=1, type="credit_card", amount=eur(600), reason=""
    )
    (only,) = await found(*OPEN, *capture(400), asked(600, 2), failed, reported(*ALL))
    assert only["remedy"]["captured"] == 600


async def test_other_money_is_for_a_person() -> None:
    other = await found(*BOOKS, reported(*ALL, currency="USD"))
    assert [(each["rule"], each["remedy"]) for each in other] == [("settlement-differs", None)] * 2
    assert "in USD" in other[0]["said"]


async def test_an_order_stands_still_whatever_is_reported_of_it() -> None:
    before, after = await row(*BOOKS), await row(*BOOKS, reported(*ALL))
    assert before["facts"]["payments"]["time"] == after["facts"]["payments"]["time"]
    assert before["facts"]["payments"]["position"] < after["facts"]["payments"]["position"]


async def test_where_nothing_is_there_nothing_is_kept_for_what_is_cancelled() -> None:
    off = OrderCancelled(
        cause="customer", reason="", lines=[], value=eur(1000), ordered_at=START, confirmed=True
    )
    there = (HOLD, HELD, *capture(1000))
    assert "money-kept-for-cancelled" in await rules(*there, ended=off)
    assert "money-kept-for-cancelled" not in await rules(*there, adjusted(-1000), ended=off)


async def test_what_the_provider_tells_is_not_told_by_payments() -> None:
    arrived = OrderDelivered(delivered_at=START)
    assert "delivered-without-payment" in await rules(reported((CARD, 1)), ended=arrived)
    assert "delivered-without-payment" not in await rules(HOLD, ended=arrived)


async def test_those_whose_money_has_moved_and_that_no_report_tells_of() -> None:
    view = await told(
        VIEW,
        at("told", *BOOKS, reported(*ALL)),
        at("early", *OPEN, reported((PAID, 500), until=START + timedelta(seconds=13))),
        at("early", *capture(400)),
        at("open", HOLD, HELD),
        at("new", *BOOKS),
        at("later", *BOOKS),
    )
    until = START + timedelta(days=1)
    everything = await view.ask("unsettled", until=until)
    assert [each["id"] for each in everything["rows"]] == ["early", "new", "later"]
    assert (await view.ask("unsettled", until=START))["rows"] == []
    since = await view.ask("unsettled", until=until, since=until - timedelta(hours=1))
    assert since["rows"] == []
    first = await view.ask("unsettled", until=until, limit=2)
    second = await view.ask("unsettled", until=until, limit=2, page=first["next"])
    assert [len(page["rows"]) for page in (first, second)] == [2, 1]
    assert [*first["rows"], *second["rows"]] == everything["rows"]
