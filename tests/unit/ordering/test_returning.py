"""What has arrived comes back: asked for, expected for a while, accepted as it comes."""

from datetime import UTC, datetime, timedelta

import pytest

from bus.decider import NotYet, Refused, Unknown
from bus.duties import Deadline, Settled
from bus.messages import Event
from bus.testing import NOW
from domains.ordering.messages import (
    AcceptReturn,
    ExpireReturn,
    OrderDelivered,
    OrderLine,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderShipped,
    OrderUndelivered,
    ParcelLost,
    RequestReturn,
    ReturnAccepted,
    ReturnedLine,
    ReturnExpired,
    ReturnLine,
    ReturnRequested,
)
from domains.ordering.returning import MAX_RETURNS, RETURN_WINDOW, TIME_TO_SEND_BACK
from tests.unit.ordering.examples import (
    ARRIVED,
    CUP,
    HOUR,
    PAID,
    PLACED,
    POT,
    REQUESTED,
    SENT,
    SENT_LATER,
    TEA,
    arrived,
    cancelled,
    eur,
    ordering,
)

LEFT = (
    OrderPartlyShipped(parcel=1, dispatched_at=SENT),
    OrderShipped(parcel=2, dispatched_at=SENT_LATER),
)
HALF = (*PAID, *LEFT, OrderPartlyDelivered(parcel=1, delivered_at=ARRIVED))
"""Tea and cups have arrived, the pot has not."""
THERE = (*PAID, *LEFT, OrderDelivered(delivered_at=ARRIVED))
TODAY = ARRIVED + HOUR
UNTIL = TODAY + TIME_TO_SEND_BACK


def want(
    units: dict[int, int], *, exchange: bool = False, at: datetime | None = None
) -> RequestReturn:
    lines = [ReturnLine(line=line, quantity=quantity) for line, quantity in units.items()]
    return RequestReturn(id="o-1", lines=lines, reason="", exchange=exchange, requested_at=at)


def wanted(
    units: dict[int, int], *, number: int = 1, exchange: bool = False, until: datetime = UNTIL
) -> ReturnRequested:
    skus = {line.line: line.sku for line in PLACED.lines}
    return ReturnRequested(
        number=number,
        lines=[ReturnedLine(line=n, sku=skus[n], quantity=q) for n, q in units.items()],
        reason="",
        exchange=exchange,
        expires_at=until,
    )


def came(
    units: dict[int, int], *, number: int = 1, receipt: int = 1, complete: bool = True
) -> AcceptReturn:
    lines = [ReturnLine(line=line, quantity=quantity) for line, quantity in units.items()]
    return AcceptReturn(id="o-1", number=number, receipt=receipt, lines=lines, complete=complete)


def accepted(
    *lines: OrderLine, value: int, number: int = 1, receipt: int = 1, complete: bool = True
) -> ReturnAccepted:
    return ReturnAccepted(
        number=number,
        receipt=receipt,
        lines=list(lines),
        value=eur(value),
        exchange=False,
        complete=complete,
        ordered_at=NOW,
    )


def of(line: OrderLine, quantity: int, freight: int) -> OrderLine:
    return OrderLine(
        line=line.line,
        sku=line.sku,
        quantity=quantity,
        price=line.price,
        freight=eur(freight),
        seller_id=line.seller_id,
    )


def test_what_has_arrived_can_be_sent_back_also_while_the_rest_is_on_its_way() -> None:
    for history in (HALF, THERE):
        ordering(*history).when(want({1: 1, 3: 4}), now=TODAY).then(wanted({1: 1, 3: 4}))


def test_a_return_is_waited_for_until_it_is_all_here_or_its_time_is_over() -> None:
    asked = ordering(*THERE).when(want({1: 2}), now=TODAY)
    command = ExpireReturn(id="o-1", number=1)
    asked.then_duties(Deadline(name="return:o-1:1", at=UNTIL, command=command))
    part = asked.when(came({1: 1}, complete=False))
    part.then_duties()
    part.when(came({1: 1}, receipt=2)).then_duties(Settled(name="return:o-1:1"))
    expired = part.when(command)
    expired.then(ReturnExpired(number=1)).then_duties(Settled(name="return:o-1:1"))
    expired.when(command).then_nothing()


def test_what_is_all_here_does_not_expire() -> None:
    ordering(*THERE, wanted({1: 2})).when(came({1: 2})).when(
        ExpireReturn(id="o-1", number=1)
    ).then_nothing()
    ordering(*THERE).when(ExpireReturn(id="o-1", number=1)).then_nothing()
    ordering(*PAID[:1]).when(ExpireReturn(id="o-1", number=1)).then_nothing()


@pytest.mark.parametrize(
    ("history", "refusal"),
    [
        ((), Unknown("UnknownOrder")),
        (PAID[:1], Refused("NothingArrived")),
        ((PLACED, REQUESTED), Refused("NothingArrived")),
        ((*PAID, cancelled("customer", "", confirmed=True)), Refused("NothingArrived")),
        ((*PAID, *LEFT, OrderUndelivered()), Refused("NothingArrived")),
    ],
)
def test_of_an_order_that_nothing_arrived_of_nothing_comes_back(
    history: tuple[Event, ...], refusal: Refused
) -> None:
    ordering(*history).when(want({1: 1})).then(refusal)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (want({}), "NoLines"),
        (
            RequestReturn(id="o-1", lines=[ReturnLine(line=1, quantity=1)] * 2),
            "LineTwice",
        ),
        (want({9: 1}), "UnknownLine"),
        (want({1: 3}), "AlreadyReturned"),
        (want({1: 1}, at=datetime(1969, 12, 31, tzinfo=UTC)), "TimeOutOfRange"),
        (want({1: 1}, at=TODAY + timedelta(days=2)), "TimeOutOfRange"),
    ],
)
def test_a_return_that_cannot_be_is_refused(command: RequestReturn, code: str) -> None:
    ordering(*THERE).when(command, now=TODAY).then_refused(code)


def test_what_may_just_have_arrived_is_not_refused_on_a_stale_copy() -> None:
    details = {"line": 2, "wanted": 1, "arrived": 0, "returnable": 0}
    refused = ordering(*HALF).when(want({2: 1}), now=TODAY)
    refused.then(NotYet("shipping", Refused("NotArrived", **details)))
    refused.when(arrived(2)).when(want({2: 1}), now=TODAY).then(wanted({2: 1}))


def test_what_was_lost_never_arrived() -> None:
    lost = ParcelLost(parcel=2, came_back=False, lines=[POT], value=POT.value, ordered_at=NOW)
    history = (*HALF, lost, OrderDelivered(delivered_at=ARRIVED))
    ordering(*history).when(want({2: 1}), now=TODAY).then_refused("NotArrived")


def test_the_window_closes_thirty_days_after_the_arrival_by_the_time_it_was_asked() -> None:
    last, late = ARRIVED + RETURN_WINDOW, ARRIVED + RETURN_WINDOW + timedelta(seconds=1)
    there = ordering(*THERE)
    there.when(want({1: 1}), now=last).then(wanted({1: 1}, until=last + TIME_TO_SEND_BACK))
    there.when(want({1: 1}), now=late).then_refused("ReturnWindowClosed")
    there.when(want({1: 1}, at=last), now=late).then(wanted({1: 1}, until=late + TIME_TO_SEND_BACK))


def test_no_unit_is_sent_back_twice_but_what_never_came_can_be_asked_for_again() -> None:
    asked = ordering(*THERE).when(want({1: 2}), now=TODAY)
    asked.when(want({1: 1}), now=TODAY).then_refused("AlreadyReturned")
    part = asked.when(came({1: 1}, complete=False))
    part.when(want({1: 1}), now=TODAY).then_refused("AlreadyReturned")
    expired = part.when(ExpireReturn(id="o-1", number=1))
    expired.when(want({1: 2}), now=TODAY).then_refused("AlreadyReturned")
    expired.when(want({1: 1}), now=TODAY).then(wanted({1: 1}, number=2))


def test_an_order_has_not_more_and_more_returns() -> None:
    gone = [
        event
        for number in range(1, MAX_RETURNS + 1)
        for event in (wanted({1: 1}, number=number), ReturnExpired(number=number))
    ]
    ordering(*THERE, *gone[:-2]).when(want({1: 1}), now=TODAY).then(
        wanted({1: 1}, number=MAX_RETURNS)
    )
    ordering(*THERE, *gone).when(want({1: 1}), now=TODAY).then_refused("TooManyReturns")


def test_units_give_back_what_they_cost_and_all_of_them_all_of_the_freight() -> None:
    asked = ordering(*THERE, wanted({3: 4, 1: 2}))
    first = asked.when(came({1: 1, 3: 1}, complete=False))
    first.then(accepted(of(TEA, 1, 50), of(CUP, 1, 0), value=750, complete=False))
    second = first.when(came({1: 1, 3: 3}, receipt=2))
    second.then(accepted(of(TEA, 1, 50), of(CUP, 3, 0), value=1250, receipt=2))


def test_freight_that_does_not_divide_is_given_back_to_the_last_cent() -> None:
    cups = OrderLine(
        line=1, sku="cup-1", quantity=3, price=eur(100), freight=eur(100), seller_id="shop"
    )
    placed, confirmed = PLACED, PAID[-1]
    placed = type(placed)(
        customer_id="c-7",
        lines=[cups],
        payments=placed.payments,
        total=cups.value,
        ordered_at=NOW,
    )
    confirmed = type(PAID[-1])(customer_id="c-7", parcels=[[cups]], ordered_at=NOW)
    history = ordering(placed, REQUESTED, confirmed, LEFT[1], OrderDelivered(delivered_at=ARRIVED))
    freights = []
    outcome = history.when(want({1: 3}), now=TODAY)
    for receipt in (1, 2, 3):
        outcome = outcome.when(came({1: 1}, receipt=receipt, complete=receipt == 3))
        (event,) = outcome.events
        assert isinstance(event, ReturnAccepted)
        freights.append(event.lines[0].freight.amount)
    assert freights == [33, 33, 34]


def test_a_receipt_counts_once() -> None:
    once = ordering(*THERE, wanted({1: 2})).when(came({1: 1}, complete=False))
    once.when(came({1: 1}, complete=False)).then_nothing()
    once.when(came({1: 1}, number=2)).then_nothing()


def test_what_inventory_has_received_counts_also_where_the_return_has_just_expired() -> None:
    expired = ordering(*THERE, wanted({1: 2}), ReturnExpired(number=1))
    late = expired.when(came({1: 2}))
    late.then(accepted(TEA, value=1000))
    late.when(want({1: 1}), now=TODAY).then_refused("AlreadyReturned")


def test_of_an_order_that_is_not_paid_nothing_is_accepted() -> None:
    ordering(PLACED, REQUESTED).when(came({1: 1})).then_nothing()
