"""What had left comes back, and no more than that; what is exchanged is kept anew."""

from functools import partial
from typing import Any

import pytest

from bus.decider import NotYet, Refused, Unknown
from bus.testing import at, given
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import (
    ExpectedLine,
    ExpectReturn,
    ForgetReturn,
    ParcelTakenBack,
    Part,
    ReceivedPart,
    ReceiveReturn,
    ReleaseStock,
    ReplacementRefused,
    ReplacementReserved,
    ReservationRefused,
    ReserveReplacement,
    ReturnedPart,
    ReturnExpected,
    ReturnForgotten,
    ReturnReceived,
    ShipStock,
    Shortfall,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
    StockWrittenOff,
    TakeBack,
    UnitsReleased,
    UnitsReserved,
    UnitsReturned,
    UnitsShipped,
)
from tests.unit.inventory.test_reservation import KEPT, pot, tea

inventory = partial(given, DOMAIN)
LEFT = (
    *KEPT,
    at("tea-1", UnitsShipped(order_id="o-1", quantity=4)),
    StockShipped(parcel=1, parts=[tea(4)]),
)
"""Of four teas and a pot the teas have left; 6 teas and a pot are on hand, the pot is kept."""
LINES = [
    ExpectedLine(line=1, sku="tea-1", quantity=2),
    ExpectedLine(line=3, sku="tea-1", quantity=1),
]
EXPECTED = ReturnExpected(number=1, lines=LINES)
DUE = (*LEFT, EXPECTED)


def here(
    sellable: int, scrapped: int = 0, *, line: int | None = None, number: int = 1, name: str = ""
) -> ReceiveReturn:
    part = ReturnedPart(sku="tea-1", sellable=sellable, scrapped=scrapped, line=line)
    return ReceiveReturn(id="o-1", number=number, parts=[part], reference=name)


def back(quantity: int) -> Any:
    return at("tea-1", UnitsReturned(order_id="o-1", quantity=quantity))


def broken(quantity: int) -> Any:
    return at(
        "tea-1",
        StockWrittenOff(quantity=quantity, reason="return 1 of o-1", order_id="o-1"),
    )


def received(
    *lines: tuple[int, int, int], receipt: int = 1, name: str = "", complete: bool = False
) -> ReturnReceived:
    parts = [ReceivedPart(line=n, sku="tea-1", sellable=s, scrapped=b) for n, s, b in lines]
    return ReturnReceived(number=1, receipt=receipt, reference=name, parts=parts, complete=complete)


def test_a_return_is_expected_once() -> None:
    expect = ExpectReturn(id="o-1", number=1, lines=LINES)
    expected = inventory(*LEFT).when(expect)

    expected.then(EXPECTED)
    expected.when(expect).then_nothing()
    other = ExpectReturn(id="o-1", number=2, lines=LINES[1:])
    expected.when(other).then(ReturnExpected(number=2, lines=LINES[1:]))


def test_what_is_sellable_is_on_the_shelf_again_and_what_is_not_is_written_off() -> None:
    came = inventory(*DUE).when(here(2, 1))
    came.then(back(3), broken(1), received((1, 2, 0), (3, 0, 1), complete=True))
    came.when(ReserveReplacement(id="o-1", parcel=2, parts=[tea(9)])).then(
        ReplacementRefused(parcel=2, shortfalls=[Shortfall(sku="tea-1", wanted=9, available=8)])
    )


def test_a_return_may_come_in_several_parcels_and_fills_its_lines_one_after_the_other() -> None:
    first = inventory(*DUE).when(here(1))
    first.then(back(1), received((1, 1, 0)))
    second = first.when(here(1, line=3))
    second.then(back(1), received((3, 1, 0), receipt=2))
    third = second.when(here(0, 1))
    third.then(back(1), broken(1), received((1, 0, 1), receipt=3, complete=True))
    third.when(here(1)).then_refused("TooManyReturned")


def test_parts_of_the_same_line_are_received_as_one() -> None:
    parts = [
        ReturnedPart(sku="tea-1", sellable=1, line=1),
        ReturnedPart(sku="tea-1", scrapped=1, line=1),
    ]
    came = inventory(*DUE).when(ReceiveReturn(id="o-1", parts=parts))
    came.then(back(2), broken(1), received((1, 1, 1)))


@pytest.mark.parametrize(
    "command",
    [
        here(4),
        here(3, 1),
        here(3, line=1),
        here(1, line=2),
        ReceiveReturn(id="o-1", parts=[ReturnedPart(sku="pot-1", sellable=1)]),
        ReceiveReturn(id="o-1", parts=[ReturnedPart(sku="tea-1", sellable=2)] * 2),
    ],
)
def test_no_more_is_taken_in_than_is_expected(command: ReceiveReturn) -> None:
    inventory(*DUE).when(command).then_refused("TooManyReturned")


def test_a_receipt_of_nothing_is_refused() -> None:
    inventory(*DUE).when(here(0)).then_refused("NothingReceived")
    inventory(*DUE).when(ReceiveReturn(id="o-1", parts=[])).then_refused("NothingReceived")


def test_the_same_parcel_is_received_once_also_after_all() -> None:
    came = inventory(*DUE).when(here(1, name="p-1"))
    came.then(back(1), received((1, 1, 0), name="p-1"))
    came.when(here(1, name="p-1")).then_nothing()
    other = came.when(here(1, name="p-2"))
    other.when(here(1, name="p-1")).then_nothing()
    other.when(ForgetReturn(id="o-1", number=1)).when(here(1, name="p-2")).then_nothing()


def test_a_return_that_has_expired_is_forgotten_once_and_not_taken_in() -> None:
    forget = ForgetReturn(id="o-1", number=1)
    gone = inventory(*DUE).when(forget)
    gone.then(ReturnForgotten(number=1))
    gone.when(forget).then_nothing()
    gone.when(here(1)).then_refused("ReturnExpired")
    inventory(*LEFT).when(forget).then_nothing()


def test_a_return_that_may_just_have_been_asked_for_is_not_refused_on_a_stale_copy() -> None:
    unknown = NotYet("ordering", Unknown("UnknownReturn"))
    for history in (LEFT, KEPT, ()):
        inventory(*history).when(here(1)).then(unknown)
    inventory(*DUE).when(here(1, number=2)).then(unknown)


def test_what_may_just_have_left_is_not_refused_on_a_stale_copy() -> None:
    pots = ReturnExpected(number=1, lines=[ExpectedLine(line=2, sku="pot-1", quantity=1)])
    pot_back = ReceiveReturn(id="o-1", parts=[ReturnedPart(sku="pot-1", sellable=1)])
    early = inventory(*LEFT, pots).when(pot_back)
    early.then(NotYet("shipping", Refused("NotShipped", sku="pot-1", wanted=1)))
    left = early.when(ShipStock(id="o-1", parcel=2, parts=[pot(1)]))
    assert len(left.when(pot_back).events) == 2


def test_two_returns_together_bring_no_more_back_than_has_left() -> None:
    other = ReturnExpected(number=2, lines=[ExpectedLine(line=1, sku="tea-1", quantity=2)])
    both = inventory(*DUE, other).when(here(3))
    both.when(here(2, number=2)).then(
        NotYet("shipping", Refused("NotShipped", sku="tea-1", wanted=2))
    )
    assert both.when(here(1, number=2)).events[0] == UnitsReturned(order_id="o-1", quantity=1)


def test_a_parcel_that_came_back_is_on_the_shelf_once() -> None:
    take = TakeBack(id="o-1", parcel=1, parts=[tea(4)])
    taken = inventory(*LEFT).when(take)
    taken.then(back(4), ParcelTakenBack(parcel=1, parts=[tea(4)]))
    taken.when(take).then_nothing()


def test_no_more_is_taken_back_than_has_left() -> None:
    taken = inventory(*LEFT).when(TakeBack(id="o-1", parcel=1, parts=[tea(9), pot(1)]))
    taken.then(back(4), ParcelTakenBack(parcel=1, parts=[tea(4)]))
    taken.when(TakeBack(id="o-1", parcel=2, parts=[tea(1)])).then(
        ParcelTakenBack(parcel=2, parts=[])
    )


def test_a_replacement_is_kept_beside_the_rest_and_leaves() -> None:
    reserve = ReserveReplacement(id="o-1", parcel=3, parts=[tea(6)])
    kept = inventory(*LEFT).when(reserve)
    kept.then(
        at("tea-1", UnitsReserved(order_id="o-1", quantity=6)),
        ReplacementReserved(parcel=3, parts=[tea(6)]),
    )
    kept.when(reserve).then_nothing()
    left = kept.when(ShipStock(id="o-1", parcel=3, parts=[tea(6)]))
    left.then(
        at("tea-1", UnitsShipped(order_id="o-1", quantity=6)),
        StockShipped(parcel=3, parts=[tea(6)]),
    )
    left.when(TakeBack(id="o-1", parcel=3, parts=[tea(6)])).then(
        back(6), ParcelTakenBack(parcel=3, parts=[tea(6)])
    )


def test_a_replacement_that_is_short_keeps_nothing_and_stays_refused() -> None:
    reserve = ReserveReplacement(id="o-1", parcel=3, parts=[tea(6), pot(1)])
    short = inventory(*LEFT).when(reserve)
    short.then(
        ReplacementRefused(parcel=3, shortfalls=[Shortfall(sku="pot-1", wanted=1, available=0)])
    )
    more = inventory(*LEFT, *short.events, at("pot-1", StockReceived(quantity=5, note="")))
    more.when(reserve).then_nothing()


def test_lines_that_are_cancelled_leave_a_replacement_of_the_same_sku_alone() -> None:
    history = (
        at("tea-1", StockReceived(quantity=10, note="")),
        at("tea-1", UnitsReserved(order_id="o-1", quantity=3)),
        StockReserved(parts=[tea(3)]),
        at("tea-1", UnitsShipped(order_id="o-1", quantity=2)),
        StockShipped(parcel=1, parts=[tea(2)]),
        at("tea-1", UnitsReserved(order_id="o-1", quantity=2)),
        ReplacementReserved(parcel=3, parts=[tea(2)]),
    )
    off = inventory(*history).when(ReleaseStock(id="o-1", parts=[tea(1)]))
    off.then(at("tea-1", UnitsReleased(order_id="o-1", quantity=1)), StockReleased(parts=[tea(1)]))
    assert off.when(ShipStock(id="o-1", parcel=3, parts=[tea(2)])).events[-1] == StockShipped(
        parcel=3, parts=[Part(sku="tea-1", quantity=2)]
    )


@pytest.mark.parametrize(
    "command",
    [
        ExpectReturn(id="o-1", number=1, lines=LINES),
        ForgetReturn(id="o-1", number=1),
        TakeBack(id="o-1", parcel=1, parts=[tea(1)]),
        ReserveReplacement(id="o-1", parcel=3, parts=[tea(1)]),
    ],
)
def test_for_an_order_that_never_kept_anything_nothing_comes_back(command: Any) -> None:
    refused = ReservationRefused(shortfalls=[Shortfall(sku="tea-1", wanted=9, available=0)])
    for history in ((), (refused,), (refused, at("tea-1", StockReceived(quantity=9, note="")))):
        inventory(*history).when(command).then_nothing()
