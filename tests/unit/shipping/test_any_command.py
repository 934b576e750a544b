"""Whatever is asked of an order's parcels in whatever order has an answer."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bus.decider import NotYet, Refused
from bus.messages import Command, Money
from bus.testing import NOW
from domains.shipping.messages import (
    CallOffRefused,
    CallOffShipments,
    DeliverShipment,
    DispatchShipment,
    ParcelLine,
    ParcelPlan,
    PlanShipments,
    ShipmentCalledOff,
    ShipmentDelivered,
    ShipmentDispatched,
)
from domains.shipping.shipment import SHIPMENT

PLAN = ParcelPlan(
    seller_id="shop",
    lines=[ParcelLine(line=1, sku="tea-1", quantity=1)],
    value=Money(100, "EUR"),
)
NUMBERS = st.integers(1, 3)
COMMANDS = st.one_of(
    st.builds(PlanShipments, parcels=st.lists(st.just(PLAN), min_size=1, max_size=3)),
    st.builds(DispatchShipment, parcel=NUMBERS),
    st.builds(DeliverShipment, parcel=NUMBERS),
    st.builds(CallOffShipments),
)


@given(st.lists(COMMANDS, max_size=30))
def test_a_parcel_leaves_or_is_called_off_and_never_both(commands: list[Command]) -> None:
    shipment: Any = SHIPMENT.initial
    seen: Counter[tuple[type, int]] = Counter()
    for command in commands:
        try:
            events = SHIPMENT.decide(command, shipment, NOW)
        except (Refused, NotYet):
            assert isinstance(command, DispatchShipment | DeliverShipment)
            continue
        for event in events:
            shipment = SHIPMENT.evolve(shipment, event)
            seen[type(event), event.parcel] += 1  # type: ignore[attr-defined]
    assert all(times == 1 for times in seen.values())
    for number in (1, 2, 3):
        left = seen[ShipmentDispatched, number]
        assert left + seen[ShipmentCalledOff, number] <= 1
        assert seen[ShipmentDelivered, number] <= left
        assert seen[CallOffRefused, number] <= left
