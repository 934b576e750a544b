"""The provider's report is a book of its own: it says nothing twice, and creates no payment."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bus.messages import MAX_AMOUNT, Money
from bus.testing import NOW
from domains.payments.messages import Period, SettlementReported
from tests.unit.payments.examples import COLLECT, PAID, payments
from tests.unit.payments.reports import DAY, movement, report, reported

ONE, TWO = movement("mv-1", 1, 1000), movement("mv-2", 2, 500)


def test_what_is_reported_is_kept() -> None:
    payments().when(report(ONE, TWO)).then(reported(ONE, TWO))


def test_what_is_known_is_no_news() -> None:
    known = payments(reported(ONE, TWO))
    known.when(report(ONE, TWO)).then_nothing()
    known.when(report(ONE)).then_nothing()
    known.when(report(ONE, until=NOW - DAY)).then_nothing()
    payments(reported(ONE)).when(report(ONE, TWO)).then(reported(TWO))
    payments().when(report(ONE, ONE)).then(reported(ONE))


def test_a_later_report_tells_that_there_was_nothing() -> None:
    known = payments(reported(ONE, until=NOW - DAY))
    known.when(report()).then(reported())
    known.when(report()).when(report()).then_nothing()


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, amount=Money(999, "EUR")),
        replace(ONE, kind="refunded"),
        replace(ONE, payment=2),
        replace(ONE, reference="ch_9"),
        replace(ONE, time=ONE.time - DAY),
    ],
)
def test_a_movement_does_not_change(other: object) -> None:
    payments(reported(ONE)).when(report(other)).then_refused("MovementDiffers")  # type: ignore[arg-type]
    payments().when(report(ONE, other)).then_refused("MovementDiffers")  # type: ignore[arg-type]


def test_what_can_not_be_is_refused() -> None:
    dollars = replace(TWO, amount=Money(1, "USD"))
    much = replace(TWO, amount=Money(MAX_AMOUNT, "EUR"))
    nothing = payments()
    nothing.when(report(ONE, until=NOW + DAY)).then_refused("NotOver")
    nothing.when(report(ONE, until=NOW - 2 * DAY)).then_refused("TooLate")
    nothing.when(report(until=NOW - DAY, since=NOW)).then_refused("NoPeriod")
    nothing.when(report(ONE, dollars)).then_refused("CurrencyMismatch")
    payments(reported(ONE)).when(report(dollars)).then_refused("CurrencyMismatch")
    payments(reported(ONE)).when(report(much)).then_refused("AmountTooLarge")


def test_times_that_touch_are_one() -> None:
    first = Period(since=NOW - 9 * DAY, until=NOW - 7 * DAY)
    third = Period(since=NOW - 5 * DAY, until=NOW - 3 * DAY)
    known = payments(SettlementReported(movements=[], covered=[first, third]))
    gap = report(since=NOW - 7 * DAY, until=NOW - 5 * DAY)
    whole = Period(since=NOW - 9 * DAY, until=NOW - 3 * DAY)
    known.when(gap).then(SettlementReported(movements=[], covered=[whole]))
    later = report(since=NOW - 2 * DAY, until=NOW - DAY)
    last = Period(since=NOW - 2 * DAY, until=NOW - DAY)
    known.when(later).then(SettlementReported(movements=[], covered=[first, third, last]))
    known.when(report()).then(reported())


def test_a_report_is_no_payment() -> None:
    payments(reported(ONE)).when(COLLECT).then(*PAID[:3])
