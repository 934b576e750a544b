"""Whatever happens in whatever order: nothing below zero, nothing sold twice."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.decider import NotYet, Refused
from bus.envelope import Key
from bus.messages import Command
from bus.testing import NOW
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import (
    ExpectedLine,
    ExpectReturn,
    ForgetReturn,
    Part,
    ReceiveReturn,
    ReceiveStock,
    ReleaseStock,
    ReserveReplacement,
    ReserveStock,
    ReturnedPart,
    ShipStock,
    StockReceived,
    StockWrittenOff,
    TakeBack,
    UnitsReturned,
    UnitsShipped,
    WriteOffStock,
)
from domains.inventory.reservation import Kept

SKUS = st.sampled_from(["tea-1", "pot-1"])
ORDERS = st.sampled_from(["o-1", "o-2", "o-3"])
QUANTITIES = st.integers(1, 5)
PARTS = st.dictionaries(SKUS, QUANTITIES, min_size=1).map(
    lambda units: [Part(sku=sku, quantity=quantity) for sku, quantity in units.items()]
)
LINES = st.lists(st.tuples(SKUS, QUANTITIES), min_size=1, max_size=3).map(
    lambda found: [
        ExpectedLine(line=line, sku=sku, quantity=quantity)
        for line, (sku, quantity) in enumerate(found, 1)
    ]
)
RETURNED = st.lists(
    st.builds(
        ReturnedPart,
        sku=SKUS,
        sellable=st.integers(0, 3),
        scrapped=st.integers(0, 3),
        line=st.sampled_from([None, 1, 2]),
    ),
    max_size=3,
)
NUMBERS = st.integers(1, 2)
COMMANDS = st.one_of(
    st.builds(ReceiveStock, id=SKUS, quantity=QUANTITIES),
    st.builds(WriteOffStock, id=SKUS, quantity=QUANTITIES),
    st.builds(ReserveStock, id=ORDERS, parts=PARTS),
    st.builds(ReleaseStock, id=ORDERS, parts=PARTS),
    st.builds(ShipStock, id=ORDERS, parcel=NUMBERS, parts=PARTS),
    st.builds(ExpectReturn, id=ORDERS, number=NUMBERS, lines=LINES),
    st.builds(ForgetReturn, id=ORDERS, number=NUMBERS),
    st.builds(
        ReceiveReturn,
        id=ORDERS,
        number=NUMBERS,
        parts=RETURNED,
        reference=st.sampled_from(["", "p-1"]),
    ),
    st.builds(TakeBack, id=ORDERS, parcel=NUMBERS, parts=PARTS),
    st.builds(ReserveReplacement, id=ORDERS, parcel=st.integers(3, 4), parts=PARTS),
)


@settings(max_examples=100)
@given(st.lists(COMMANDS, max_size=40))
def test_the_stock_reserves_what_the_orders_keep_and_never_more_than_there_is(
    commands: list[Command],
) -> None:
    states: dict[Key, Any] = {}
    for command in commands:
        take(command, states)
        kept = kept_for_orders(states)
        for key, state in states.items():
            if key.aggregate == "stock":
                assert 0 <= state.reserved <= state.on_hand
                assert state.reserved == kept[key.id]


@settings(max_examples=100)
@given(
    st.lists(COMMANDS, max_size=20),
    st.permutations(["tea-1", "pot-1"]),
    st.lists(COMMANDS, max_size=40),
)
def test_no_more_comes_back_than_has_left(
    before: list[Command], skus: list[str], after: list[Command]
) -> None:
    """Most stories in which things come back begin with a parcel that left."""
    left = [
        *(ReceiveStock(id=sku, quantity=5) for sku in skus),
        ReserveStock(id="o-1", parts=[Part(sku=sku, quantity=4) for sku in skus]),
        ShipStock(id="o-1", parcel=1, parts=[Part(sku=sku, quantity=3) for sku in skus]),
    ]
    states: dict[Key, Any] = {}
    written: list[tuple[Key, Any]] = []
    for command in [*before, *left, *after]:
        written += take(command, states)
        for sku in skus:
            events = [event for key, event in written if key == Key("stock", sku)]
            came, gone = count(events, UnitsReturned), count(events, UnitsShipped)
            assert came <= gone
            stock = states.get(Key("stock", sku))
            there = count(events, StockReceived) - count(events, StockWrittenOff)
            assert (stock.on_hand if stock else 0) == there + came - gone
        for order in ("o-1", "o-2", "o-3"):
            moved = [event for _, event in written if getattr(event, "order_id", "") == order]
            assert count(moved, UnitsReturned) <= count(moved, UnitsShipped)


def count(events: list[Any], kind: type[Any]) -> int:
    return sum(event.quantity for event in events if type(event) is kind)


def take(command: Command, states: dict[Key, Any]) -> list[tuple[Key, Any]]:
    for key in DOMAIN.reads(command):
        states.setdefault(key, DOMAIN.initial(key))
    try:
        events = list(DOMAIN.decide(command, states, NOW))
    except (Refused, NotYet):
        # nothing that inventory does by itself
        assert isinstance(command, WriteOffStock | ReceiveReturn)
        return []
    for key, event in events:
        states[key] = DOMAIN.evolve(key, states[key], event)
    return events


def kept_for_orders(states: Mapping[Key, Any]) -> Counter[str]:
    kept: Counter[str] = Counter()
    for state in states.values():
        if isinstance(state, Kept):
            kept.update(state.units)
    return kept
