"""Whatever happens in whatever order: nothing below zero, nothing sold twice."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.decider import Refused
from bus.envelope import Key
from bus.messages import Command
from bus.testing import NOW
from domains.inventory.domain import DOMAIN
from domains.inventory.messages import (
    Part,
    ReceiveStock,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    WriteOffStock,
)
from domains.inventory.reservation import Kept

SKUS = st.sampled_from(["tea-1", "pot-1"])
ORDERS = st.sampled_from(["o-1", "o-2", "o-3"])
QUANTITIES = st.integers(1, 5)
PARTS = st.dictionaries(SKUS, QUANTITIES, min_size=1).map(
    lambda units: [Part(sku=sku, quantity=quantity) for sku, quantity in units.items()]
)
COMMANDS = st.one_of(
    st.builds(ReceiveStock, id=SKUS, quantity=QUANTITIES),
    st.builds(WriteOffStock, id=SKUS, quantity=QUANTITIES),
    st.builds(ReserveStock, id=ORDERS, parts=PARTS),
    st.builds(ReleaseStock, id=ORDERS, parts=PARTS),
    st.builds(ShipStock, id=ORDERS, parcel=st.integers(1, 2), parts=PARTS),
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


def take(command: Command, states: dict[Key, Any]) -> None:
    for key in DOMAIN.reads(command):
        states.setdefault(key, DOMAIN.initial(key))
    try:
        for key, event in DOMAIN.decide(command, states, NOW):
            states[key] = DOMAIN.evolve(key, states[key], event)
    except Refused:
        assert isinstance(command, WriteOffStock)  # nothing that inventory does by itself


def kept_for_orders(states: Mapping[Key, Any]) -> Counter[str]:
    kept: Counter[str] = Counter()
    for state in states.values():
        if isinstance(state, Kept):
            kept.update(state.units)
    return kept
