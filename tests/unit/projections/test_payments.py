"""What the view `payments` makes of the provider's answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bus.messages import Event
from bus.testing import at
from bus.testing.told import told
from bus.view import UnknownKey
from domains.payments.messages import (
    AuthorizationRequested,
    PaymentAdjusted,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentSettled,
    PaymentsSecured,
    PaymentType,
    PaymentVoided,
    SettlementRequested,
)
from projections.payments import VIEW
from tests.unit.projections.examples import eur


def hold(n: int = 1, amount: int = 100) -> AuthorizationRequested:
    return AuthorizationRequested(
        customer_id="c", payment=n, type="credit_card", amount=eur(amount), installments=1, token=""
    )


def settle(n: int = 1, type: PaymentType = "boleto") -> SettlementRequested:
    return SettlementRequested(customer_id="c", payment=n, type=type, amount=eur(100), token="")


def held(n: int = 1) -> PaymentAuthorized:
    return PaymentAuthorized(payment=n, type="credit_card", amount=eur(100), reference="r")


def settled(n: int = 1, amount: int = 100) -> PaymentSettled:
    return PaymentSettled(payment=n, type="boleto", amount=eur(amount), reference="r")


def captured(amount: int, parcel: int = 1) -> PaymentCaptured:
    return PaymentCaptured(payment=1, parcel=parcel, type="credit_card", amount=eur(amount))


def voided(amount: int) -> PaymentVoided:
    return PaymentVoided(payment=1, type="credit_card", amount=eur(amount))


def refunded(amount: int, number: int = 1) -> PaymentRefunded:
    return PaymentRefunded(payment=1, number=number, type="boleto", amount=eur(amount))


DECLINED = PaymentDeclined(payment=1, type="credit_card", amount=eur(100), reason="")


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([hold()], "pending"),
        ([hold(), held()], "authorized"),
        ([hold(), DECLINED], "declined"),
        ([hold(), held(), captured(40)], "partly_captured"),
        ([hold(), held(), captured(40), captured(60, 2)], "captured"),
        ([hold(), held(), captured(40), voided(60)], "captured"),
        ([hold(), held(), voided(100)], "voided"),
        ([hold(), held(), captured(100), refunded(100)], "refunded"),
        ([settle()], "pending"),
        ([settle(), settled()], "settled"),
        ([settle(), settled(), refunded(40)], "settled"),
        ([settle(), settled(), refunded(40), refunded(60, 2)], "refunded"),
        ([settled(amount=0)], "settled"),
    ],
)
async def test_a_payment_goes_its_way(events: Sequence[Event], state: str) -> None:
    payments = await told(VIEW, at("o-1", *events, PaymentsSecured(total=eur(100))))
    assert (await payments.row("o-1/1"))["state"] == state


def adjusted(captured: int, refunded: int = 0, type: PaymentType = "boleto") -> PaymentAdjusted:
    return PaymentAdjusted(
        payment=1,
        type=type,
        currency="EUR",
        captured=captured,
        refunded=refunded,
        parcels=[],
        unclaimed=0,
        rule="charged-twice",
        divergence_id="charged-twice-o-1-1",
    )


async def test_what_the_provider_reports_is_in_the_amounts() -> None:
    payments = await told(
        VIEW,
        at("o-1", settle(), settled(), adjusted(-10, 5)),
        at("o-2", hold(), held(), captured(100), adjusted(100, type="credit_card")),
        at("o-3", hold(), held(), captured(100), adjusted(100, 100, type="credit_card")),
    )
    boleto = await payments.row("o-1/1")
    assert (boleto["settled"], boleto["captured"], boleto["refunded"]) == (90, 0, 5)
    assert boleto["state"] == "settled"
    card = await payments.row("o-2/1")
    assert (card["settled"], card["captured"], card["state"]) == (0, 200, "captured")
    assert (await payments.row("o-3/1"))["refunded"] == 100


async def test_an_orders_payments_are_shown_together() -> None:
    payments = await told(
        VIEW, at("o-1", hold(), settle(2), held(), settled(2)), at("o-2", settle())
    )
    answer = await payments.ask("get", "o-1")
    assert [(row["payment"], row["state"]) for row in answer["payments"]] == [
        (1, "authorized"),
        (2, "settled"),
    ]
    with pytest.raises(UnknownKey):
        await payments.ask("get", "o-3")


async def test_money_is_summed_by_type_and_state() -> None:
    payments = await told(
        VIEW,
        at("o-1", settle(), settled(), refunded(40)),
        at("o-2", settle(), settled()),
        at("o-3", hold(), held(), captured(30)),
    )
    boleto, card = (await payments.ask("totals"))["rows"]
    assert (boleto["type"], boleto["state"], boleto["count"]) == ("boleto", "settled", 2)
    assert (boleto["amount"], boleto["settled"], boleto["refunded"]) == (200, 200, 40)
    assert (card["type"], card["authorized"], card["captured"]) == ("credit_card", 100, 30)


async def test_payments_are_listed_by_state() -> None:
    payments = await told(VIEW, at("o-1", settle()), at("o-2", settle(), settled()))
    rows = (await payments.ask("list", state="pending"))["rows"]
    assert [row["order_id"] for row in rows] == ["o-1"]
