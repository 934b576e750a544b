"""However parcels get lost, come back and are replaced: no unit's value is given back twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from bus.messages import Command
from bus.testing import NOW
from domains.ordering.messages import (
    AcceptReturn,
    CancelOrder,
    ConfirmOrder,
    ConfirmReplacement,
    ExpireReturn,
    Line,
    LinesCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPlaced,
    OrderUndelivered,
    ParcelLost,
    PlaceOrder,
    RecordCallOff,
    RecordDelivery,
    RecordDispatch,
    RecordLoss,
    RefuseReplacement,
    ReplacementRequested,
    ReplacementUnavailable,
    RequestPayment,
    RequestReturn,
    ReturnAccepted,
    ReturnLine,
)
from domains.ordering.returning import SOLD
from tests.unit.ordering.examples import eur
from tests.unit.ordering.life import Life

ORDERS = st.lists(
    st.builds(
        Line,
        sku=st.just("tea-1"),
        quantity=st.integers(2, 3),
        price=st.integers(0, 9).map(eur),
        freight=st.sampled_from([50, 51]).map(eur),
        seller_id=st.sampled_from(["shop", "potter"]),
    ),
    min_size=1,
    max_size=2,
).map(lambda lines: PlaceOrder(id="o-1", customer_id="c-7", lines=lines))
"""Their freight does not divide by their units."""
NUMBERS = st.integers(1, 6)
NEWS = st.one_of(
    st.just(CancelOrder(id="o-1")),
    st.builds(lambda n: RecordDispatch(id="o-1", parcel=n, dispatched_at=NOW), NUMBERS),
    st.builds(lambda n: RecordDelivery(id="o-1", parcel=n, delivered_at=NOW), NUMBERS),
    st.builds(
        lambda n, back: RecordLoss(id="o-1", parcel=n, came_back=back), NUMBERS, st.booleans()
    ),
    st.builds(
        lambda n, off: RecordCallOff(id="o-1", parcel=n, called_off=off), NUMBERS, st.booleans()
    ),
    st.builds(lambda n: ConfirmReplacement(id="o-1", parcel=n), NUMBERS),
    st.builds(lambda n: RefuseReplacement(id="o-1", parcel=n), NUMBERS),
    st.builds(lambda n: ExpireReturn(id="o-1", number=n), NUMBERS),
    st.builds(
        lambda units, exchange: RequestReturn(
            id="o-1",
            lines=[ReturnLine(line=line, quantity=n) for line, n in units.items()],
            exchange=exchange,
        ),
        st.dictionaries(st.integers(1, 4), st.integers(1, 3), min_size=1, max_size=2),
        st.booleans(),
    ),
)


def received(life: Life, data: DataObject) -> Command | None:
    """What inventory takes in of some return: no more than is still expected of it."""
    known = life.state.after.returns if isinstance(life.state, SOLD) else {}
    open = {number: one for number, one in known.items() if one.open}
    if not open:
        return None
    number = data.draw(st.sampled_from(sorted(open)))
    left = Counter(open[number].asked)
    left.subtract(open[number].came)
    units = {line: data.draw(st.integers(0, n)) for line, n in left.items() if n}
    lines = [ReturnLine(line=line, quantity=n) for line, n in units.items() if n]
    if not lines:
        return None
    return AcceptReturn(
        id="o-1",
        number=number,
        receipt=len(open[number].receipts) + 1,
        lines=lines,
        complete=sum(units.values()) == sum(left.values()),
    )


def further(life: Life, data: DataObject) -> Command | None:
    """What becomes of some replacement."""
    known = life.state.after.replacements if isinstance(life.state, SOLD) else {}
    if not known:
        return None
    number = data.draw(st.sampled_from(sorted(known)))
    if not known[number].answered:
        kept = data.draw(st.booleans())
        return (ConfirmReplacement if kept else RefuseReplacement)(id="o-1", parcel=number)
    if known[number].dispatched_at is None:
        return RecordDispatch(id="o-1", parcel=number, dispatched_at=NOW)
    if data.draw(st.booleans()):
        return RecordDelivery(id="o-1", parcel=number, delivered_at=NOW)
    return RecordLoss(id="o-1", parcel=number, came_back=False)


def asked(life: Life, data: DataObject) -> Command | None:
    """A return of any line, of as many units as were ordered at most."""
    line = data.draw(st.sampled_from(life.of(OrderPlaced)[0].lines))
    lines = [ReturnLine(line=line.line, quantity=data.draw(st.integers(1, line.quantity)))]
    return RequestReturn(id="o-1", lines=lines, exchange=data.draw(st.booleans()))


def anything(life: Life, data: DataObject) -> Command | None:
    news: Command = data.draw(NEWS)
    return news


def lived(place: PlaceOrder, data: DataObject) -> Life:
    life = Life(place, RequestPayment(id="o-1"), ConfirmOrder(id="o-1"))
    (confirmed,) = life.of(OrderConfirmed)
    if data.draw(st.booleans()):
        for n in range(1, len(confirmed.parcels) + 1):
            life.send(RecordDispatch(id="o-1", parcel=n, dispatched_at=NOW))
            life.send(RecordDelivery(id="o-1", parcel=n, delivered_at=NOW))
    for _ in range(data.draw(st.integers(0, 25))):
        command = data.draw(st.sampled_from([received, further, asked, anything]))(life, data)
        for _ in range(data.draw(st.integers(1, 2)) if command is not None else 0):
            assert command is not None
            life.send(command)
    return life


def given_back(life: Life) -> list[Any]:
    return [
        event
        for event in life.of(ReturnAccepted, ParcelLost, ReplacementUnavailable)
        if not getattr(event, "exchange", False)
    ]


@settings(max_examples=300)
@for_all(ORDERS, st.data())
def test_no_unit_is_given_back_twice_and_all_units_of_a_line_are_worth_the_line(
    place: PlaceOrder, data: DataObject
) -> None:
    life = lived(place, data)
    (confirmed,) = life.of(OrderConfirmed)
    sold = {line.line: line for parcel in confirmed.parcels for line in parcel}
    units, values = Counter[int](), Counter[int]()
    for event in given_back(life):
        assert event.value.amount == sum(line.value.amount for line in event.lines)
        for line in event.lines:
            units[line.line] += line.quantity
            values[line.line] += line.value.amount
    for cancelled in life.of(LinesCancelled):
        assert not units.keys() & {line.line for line in cancelled.lines}
    for number, quantity in units.items():
        assert quantity <= sold[number].quantity
        assert values[number] <= sold[number].value.amount
        if quantity == sold[number].quantity:
            assert values[number] == sold[number].value.amount


@settings(max_examples=200)
@for_all(ORDERS, st.data())
def test_what_is_exchanged_is_replaced_once_and_each_parcel_lost_once(
    place: PlaceOrder, data: DataObject
) -> None:
    life = lived(place, data)
    back = Counter[int]()
    for event in life.of(ReturnAccepted):
        if event.exchange:
            assert event.value.amount == 0
            back.update({line.line: line.quantity for line in event.lines})
    anew = Counter[int]()
    for event in life.of(ReplacementRequested):
        anew.update({line.line: line.quantity for line in event.lines})
    assert back == anew
    (confirmed,) = life.of(OrderConfirmed)
    parcels = [event.parcel for event in life.of(ReplacementRequested)]
    first = len(confirmed.parcels) + 1
    assert parcels == list(range(first, first + len(parcels)))
    gone = [event.parcel for event in life.of(ParcelLost, ReplacementUnavailable)]
    assert len(gone) == len(set(gone))
    assert len(life.of(OrderDelivered, OrderUndelivered)) <= 1


@for_all(ORDERS, st.data())
def test_the_stored_events_make_the_same_state(place: PlaceOrder, data: DataObject) -> None:
    life = lived(place, data)
    assert life.replayed() == life.state
