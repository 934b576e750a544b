"""What the provider reports is held against payments' books, and these follow it, once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bus.envelope import Key
from bus.testing.ground import Ground, MemoryGround
from domains.ordering.messages import CancelOrder
from domains.payments.messages import (
    ParcelPart,
    ParcelUnpaid,
    PastPayment,
    PaymentAdjusted,
    RecordPastPayments,
)
from domains.payments.provider import ReportLine
from domains.reconciliation.messages import ApproveCompensation, SetLimits
from domains.shipping.messages import DispatchShipment, FailDelivery
from projections.payments import VIEW as PAYMENTS
from tests.mesh.healing import Healing, healing, plant
from tests.mesh.settling import moved, settle
from tests.mesh.shop import boleto, card, euro, line, order, voucher
from tests.mesh.test_reconciliation import live, made_right
from tests.simulation.books import audited, nothing_diverges, the_audit_balances

ALL = 1_000_000
"""Answers that get lost: more than there are."""
Fault = Callable[[Healing], None]


@pytest.fixture
async def they(memory_ground: MemoryGround) -> AsyncIterator[Healing]:
    """By card, by boleto and by both; some have left. One was given back."""
    async with healing(memory_ground, views=[PAYMENTS]) as they:
        it = they.it
        await it.stock(tea=20)
        await it.accepted(order("carded", line("tea", 2), payments=[card(2100)]))
        await it.accepted(order("paid", line("tea", 2), payments=[boleto(2100)]))
        await it.accepted(order("both", line("tea", 2), payments=[voucher(600), card(1500)]))
        await it.accepted(order("back", line("tea"), payments=[card(1100)]))
        await it.accepted(order("waits", line("tea", 2), payments=[boleto(2100)]))
        await it.accepted(order("held", line("tea"), payments=[card(1100)]))
        await it.accepted(order("declined", line("tea"), payments=[card(1100, "tok_decline")]))
        await it.mesh.rest()
        for id in ("carded", "paid", "both", "back"):
            await it.accepted(DispatchShipment(id=id))
        await it.mesh.rest()
        await it.accepted(FailDelivery(id="back"))
        await they.heal()
        assert await they.told() == []
        yield they


async def found(they: Healing) -> list[str]:
    await they.heal()
    return [rule for _, rule in await they.told("DivergenceDetected")]


async def put_right(they: Healing) -> None:
    """The next report says the same as the books."""
    await made_right(they)
    await settle(they)
    await they.heal()
    await made_right(they)


async def test_a_whole_shop_as_it_is_agrees(ground: Ground) -> None:
    async with healing(ground) as they:
        await live(they)
        settled = await settle(they)
        assert (settled.orders, settled.absent) == (7, 0)
        await they.heal()
        assert await they.told() == []
        await the_audit_balances(they.it)
        await nothing_diverges(they.it)


async def test_a_report_that_is_handed_in_twice_counts_once(they: Healing) -> None:
    until = they.it.mesh.clock.now()
    assert (await settle(they, until=until)).news == 5
    assert (await settle(they, until=until)).news == 0
    part = they.it.provider.settlement()[:2]
    assert (await settle(they, part, until)).news == 0
    assert (await found(they)) == []


def unreported(id: str, payment: int = 1, kind: str = "captured") -> Fault:
    return otherwise(id, 0, payment, kind)


def otherwise(id: str, amount: int, payment: int = 1, kind: str = "captured") -> Fault:
    def fault(they: Healing) -> None:
        they.it.provider.books.alter(moved(they, id, payment, kind), amount)

    return fault


def more(id: str, amount: int, payment: int = 1) -> Fault:
    def fault(they: Healing) -> None:
        they.it.provider.books.take_more(charge(they, id, payment).reference, amount)

    return fault


def once_more(id: str, payment: int = 1) -> Fault:
    """Under another reference."""

    def fault(they: Healing) -> None:
        they.it.provider.books.charge_again(charge(they, id, payment).reference)

    return fault


def paid_back(id: str, amount: int, payment: int = 1) -> Fault:
    def fault(they: Healing) -> None:
        line = charge(they, id, payment)
        they.it.provider.books.keep(replace(line, refunded=line.refunded + amount))

    return fault


def nothing_of(id: str) -> Fault:
    def fault(they: Healing) -> None:
        for each in they.it.provider.settlement():
            if each.order == id:
                they.it.provider.books.alter(each, 0)

    return fault


def twice_and_back(id: str) -> Fault:
    """It has seen it by itself."""

    def fault(they: Healing) -> None:
        amount = moved(they, id).amount
        more(id, amount)(they)
        paid_back(id, amount)(they)

    return fault


def all_the_same(id: str, payment: int = 1) -> Fault:
    """It has said no, and takes it."""

    def fault(they: Healing) -> None:
        line = ReportLine(
            reference="ch_stray",
            order_id=id,
            payment=payment,
            type="credit_card",
            currency="EUR",
            settled=1100,
        )
        they.it.provider.books.keep(line)

    return fault


def charge(they: Healing, id: str, payment: int = 1) -> ReportLine:
    found = [
        each for each in they.it.provider.report() if (each.order_id, each.payment) == (id, payment)
    ]
    return found[0]


@dataclass(frozen=True)
class Case:
    """What finds the fault, what makes it, and by how much less is kept in the end."""

    rule: str
    fault: Fault
    kept: int = 0


MISSING_HERE, MISSING_THERE = "settlement-missing-here", "settlement-missing-there"
DIFFERS, TWICE = "settlement-differs", "charged-twice"
FAULTS = {
    "a capture that was never made": Case(MISSING_THERE, unreported("carded")),
    "a boleto that was never paid": Case(MISSING_THERE, unreported("paid")),
    "a voucher that was never taken": Case(MISSING_THERE, unreported("both")),
    "money for what is still to leave": Case(MISSING_THERE, unreported("waits")),
    "a refund that was never made": Case(MISSING_THERE, unreported("back", kind="refunded"), -1100),
    "nothing at all of an order": Case(MISSING_THERE, nothing_of("back")),
    "less than was to be captured": Case(DIFFERS, otherwise("carded", 2000)),
    "a cent less": Case(DIFFERS, otherwise("both", 1499, 2)),
    "less of a boleto": Case(DIFFERS, otherwise("paid", 2000)),
    "less of what is still to leave": Case(DIFFERS, otherwise("waits", 2000)),
    "less paid back": Case(DIFFERS, otherwise("back", 1000, kind="refunded"), -100),
    "more than was to be captured": Case(DIFFERS, otherwise("carded", 2500), -400),
    "more of a boleto": Case(DIFFERS, otherwise("paid", 2500), -400),
    "more of what is still to leave": Case(DIFFERS, otherwise("waits", 2500), -400),
    "captured twice": Case(TWICE, more("carded", 2100), -2100),
    "settled twice": Case(TWICE, more("paid", 2100), -2100),
    "charged under another reference": Case(TWICE, once_more("carded"), -2100),
    "a boleto under another reference": Case(TWICE, once_more("paid"), -2100),
    "charged twice, and paid back": Case(MISSING_HERE, twice_and_back("carded")),
    "more than anybody asked for": Case(MISSING_HERE, more("paid", 77), -77),
    "taken of what is only held": Case(MISSING_HERE, more("held", 1100), -1100),
    "taken of what was declined": Case(MISSING_HERE, all_the_same("declined"), -1100),
    "paid back by itself": Case(MISSING_HERE, paid_back("carded", 500)),
    "a boleto paid back by itself": Case(MISSING_HERE, paid_back("waits", 2100)),
}
"""What is kept changes once the books follow: `kept` is what the customers get back."""


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_found_named_and_followed(they: Healing, name: str) -> None:
    case = FAULTS[name]
    case.fault(they)
    wrong = they.it.money()["kept"]
    await settle(they)
    assert await found(they) == [case.rule]
    await put_right(they)
    assert they.it.money()["kept"] == wrong + case.kept
    await the_view_agrees(they)


async def the_view_agrees(they: Healing) -> None:
    """Of the orders, the view `payments` says what the provider does."""
    rows = (await they.it.mesh.query("payments", "totals"))["rows"]
    kept = sum(row["settled"] + row["captured"] - row["refunded"] for row in rows)
    assert kept == they.it.money()["kept"]


async def test_what_is_short_is_claimed_from_the_orders_other_payments(they: Healing) -> None:
    it = they.it
    two = [line("tea", seller="s-1"), line("tea", seller="s-2")]
    await it.accepted(order("split", *two, payments=[voucher(1100), boleto(1100)]))
    await it.mesh.rest()
    await it.accepted(DispatchShipment(id="split"))
    await they.heal()
    it.provider.books.alter(moved(they, "split"), 0)
    await settle(they)
    assert await found(they) == ["settlement-missing-there"]
    await put_right(they)
    (claim,) = await it.all("payments", "split", "ChargeMoved")
    assert [share.payment for share in claim.data.shares] == [2]  # type: ignore[attr-defined]
    await it.accepted(DispatchShipment(id="split", parcel=2))
    await they.heal()
    unpaid = await it.only("payments", "split", "ParcelUnpaid")
    assert (unpaid.data.parcel, unpaid.data.amount.amount) == (2, 1100)
    await settle(they)
    await put_right(they)


@pytest.mark.parametrize("id", ["carded", "paid", "waits"])
async def test_a_line_that_comes_late_pays_what_was_missing(they: Healing, id: str) -> None:
    """It was not in the first report, and so not in the books for a while: nobody gets it twice."""
    late, before = moved(they, id), they.it.money()
    await settle(they, [each for each in they.it.provider.settlement() if each != late])
    assert await found(they) == [MISSING_THERE]
    await settle(they)
    assert await found(they) == [MISSING_THERE, MISSING_HERE]
    await put_right(they)
    assert they.it.money() == before
    if id == "waits":
        await they.it.accepted(DispatchShipment(id=id))
        await they.heal()
        await made_right(they)
        assert await they.it.all("payments", id, "ParcelUnpaid") == []
        assert they.it.money() == before


async def test_what_was_missing_and_comes_after_a_cancellation_is_given_back(they: Healing) -> None:
    it = they.it
    late, before = moved(they, "waits"), it.money()
    await settle(they, [each for each in it.provider.settlement() if each != late])
    assert await found(they) == [MISSING_THERE]
    await it.accepted(CancelOrder(id="waits"))
    await they.heal()
    await settle(they)
    assert await found(they) == [MISSING_THERE, MISSING_HERE]
    await put_right(they)
    assert it.money()["kept"] == before["kept"] - 2100


async def test_more_than_the_limit_is_given_back_when_a_person_says_so(they: Healing) -> None:
    await they.it.accepted(SetLimits(id="all", largest_refund=2099, most_an_hour=100))
    before = they.it.money()
    once_more("paid")(they)
    await settle(they)
    assert await found(they) == [TWICE]
    ((_, rule),) = await they.told("DivergenceEscalated")
    assert rule == TWICE
    assert they.it.money()["kept"] == before["kept"] + 2100
    await they.it.accepted(ApproveCompensation(id="charged-twice-paid-1"))
    await they.heal()
    assert they.it.money() == before
    assert (await they.told())[-1] == ("DivergenceResolved", TWICE)
    refund = await they.it.only("payments", "paid", "RefundRequested")
    assert refund.data.reference == moved(they, "paid", kind="refunded").reference
    assert refund.data.reference != charge(they, "paid").reference
    await the_audit_balances(they.it)


STRANGE = {
    "an order that nobody knows": ("settlement-of-unknown-order", "nobody", 1),
    "a payment that nobody asked for": (MISSING_HERE, "paid", 7),
}


@pytest.mark.parametrize("name", STRANGE)
async def test_what_nobody_asked_for_waits_for_a_person(they: Healing, name: str) -> None:
    """Who pays it back at the provider; the next report tells of that."""
    rule, id, payment = STRANGE[name]
    all_the_same(id, payment)(they)
    await settle(they)
    await they.heal()
    assert await they.told() == [("DivergenceDetected", rule), ("DivergenceEscalated", rule)]
    assert await rules_broken(they)
    assert await they.it.names("payments", "nobody") in ([], ["SettlementReported"])
    paid_back(id, 1100, payment)(they)
    await settle(they)
    await they.heal()
    assert (await they.told())[-1] == ("DivergenceResolved", rule)
    await the_audit_balances(they.it)


async def test_money_that_moves_after_the_report_is_none_of_its_news(they: Healing) -> None:
    it = they.it
    until = it.mesh.clock.now()
    early = list(it.provider.settlement())
    await it.mesh.advance(timedelta(seconds=1))
    await it.accepted(DispatchShipment(id="held"))
    await it.mesh.rest()
    assert (await settle(they, early, until)).absent == 0
    await they.heal()
    assert await they.told() == []
    assert (await settle(they)).absent == 0
    await they.heal()
    assert await they.told() == []


async def test_an_order_that_the_report_does_not_name_is_told_so(they: Healing) -> None:
    lines = [each for each in they.it.provider.settlement() if each.order != "paid"]
    settled = await settle(they, lines)
    assert (settled.orders, settled.absent) == (5, 1)
    assert await found(they) == [MISSING_THERE]


async def test_while_the_answer_is_awaited_nothing_is_missing(they: Healing) -> None:
    """The provider has taken it, and for hours all of its answers get lost."""
    it = they.it
    it.provider.losing = ALL
    await it.accepted(DispatchShipment(id="held"))
    await it.mesh.rest()
    assert moved(they, "held").amount == 1100
    assert "PaymentCaptured" not in await it.names("payments", "held")
    await settle(they)
    for _ in range(5):
        await it.mesh.advance(timedelta(hours=1))
        await they.heal()
        assert await they.told() == []
    it.provider.losing = 0
    await it.until("payments", "held", "PaymentCaptured")
    await settle(they)
    await they.heal()
    assert await they.told() == []


async def test_a_boleto_is_paid_before_we_hear_of_it(they: Healing) -> None:
    it = they.it
    it.provider.boletos_wait = True
    await it.accepted(order("pending", line("tea"), payments=[boleto(1100)]))
    await it.mesh.rest()
    it.provider.losing = ALL
    it.provider.pay("pending")
    assert moved(they, "pending").amount == 1100
    await settle(they)
    await they.heal()
    assert await they.told() == []
    await the_audit_balances(it)
    it.provider.losing = 0
    await it.until("payments", "pending", "PaymentSettled")
    await settle(they)
    await they.heal()
    assert await they.told() == []
    await the_audit_balances(it)


async def test_after_a_day_a_person_looks_for_an_answer(they: Healing) -> None:
    it = they.it
    it.provider.losing = ALL
    await it.accepted(DispatchShipment(id="held"))
    await it.mesh.rest()
    await settle(they)
    await it.mesh.advance(timedelta(hours=25))
    await settle(they)  # what it says once more does not put it off
    await they.heal()
    named = [told for told in await they.told() if told[1] == MISSING_HERE]
    assert named == [("DivergenceDetected", MISSING_HERE), ("DivergenceEscalated", MISSING_HERE)]
    it.provider.losing = 0
    await it.until("payments", "held", "PaymentCaptured")
    await settle(they)
    await they.heal()
    assert (await they.told())[-1] == ("DivergenceResolved", MISSING_HERE)


async def test_orders_of_the_past_are_outside_of_it(they: Healing) -> None:
    it = they.it
    past = [PastPayment(payment=1, type="boleto", amount=euro(1100))]
    await it.accepted(RecordPastPayments(id="old", currency="EUR", payments=past))
    await settle(they)
    all_the_same("old")(they)
    await settle(they)
    await they.heal()
    assert await they.told() == []


async def test_the_audit_knows_an_adjustment_that_nobody_asked_for(they: Healing) -> None:
    await settle(they)
    own_doing = PaymentAdjusted(
        payment=1,
        type="boleto",
        currency="EUR",
        captured=-2100,
        refunded=0,
        parcels=[ParcelPart(parcel=1, amount=-2100)],
        unclaimed=0,
        rule="none",
        divergence_id="none",
    )
    unpaid = ParcelUnpaid(parcel=1, amount=euro(2100))
    await plant(they.it, "payments", Key("payment", "paid"), own_doing, unpaid)
    await they.it.mesh.rest()
    assert await rules_broken(they) == {
        "every compensation answers a divergence",
        "the provider took of payment 1 what we say",
    }


@pytest.mark.parametrize("asks", [False, True], ids=["before", "after"])
async def test_killed_at_any_request_it_is_followed_once(
    memory_ground: MemoryGround, asks: bool
) -> None:
    async with healing(memory_ground) as they:
        it = they.it
        await it.stock(tea=10)
        for id in ("missing", "less", "twice"):
            await it.accepted(order(id, line("tea")))
            await it.mesh.rest()
            await it.accepted(DispatchShipment(id=id))
        await it.mesh.rest()
        unreported("missing")(they)
        otherwise("less", 1000)(they)
        once_more("twice")(they)
        await settle(they)
        await it.mesh.advance(timedelta(seconds=31))
        await they.killed_at_each_request(20, asks=asks)
        assert sorted(await found(they)) == sorted([MISSING_THERE, DIFFERS, TWICE])
        assert len(await they.told("CompensationRequested")) == 3
        await put_right(they)


async def rules_broken(they: Healing) -> set[str]:
    return {finding.rule for finding in (await audited(they.it)).findings()}
