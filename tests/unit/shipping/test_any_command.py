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
    DeliveryFailed,
    DispatchShipment,
    FailDelivery,
    LoseShipment,
    ParcelLine,
    ParcelPlan,
    PlanReplacement,
    PlanShipments,
    ShipmentCalledOff,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
    ShipmentPlanned,
)
from domains.shipping.shipment import SHIPMENT

PLAN = ParcelPlan(
    seller_id="shop",
    lines=[ParcelLine(line=1, sku="tea-1", quantity=1)],
    value=Money(100, "EUR"),
)
NUMBERS = st.integers(1, 4)
"""4 is a replacement where there is one."""
COMMANDS = st.one_of(
    st.builds(PlanShipments, parcels=st.lists(st.just(PLAN), min_size=1, max_size=3)),
    st.builds(DispatchShipment, parcel=NUMBERS),
    st.builds(DeliverShipment, parcel=NUMBERS),
    st.builds(FailDelivery, parcel=NUMBERS),
    st.builds(LoseShipment, parcel=NUMBERS),
    st.builds(PlanReplacement, parcel=st.just(4), plan=st.just(PLAN)),
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
            assert isinstance(
                command, DispatchShipment | DeliverShipment | FailDelivery | LoseShipment
            )
            continue
        for event in events:
            shipment = SHIPMENT.evolve(shipment, event)
            seen[type(event), event.parcel] += 1  # type: ignore[attr-defined]
    assert all(times == 1 for times in seen.values())
    for number in (1, 2, 3, 4):
        left = seen[ShipmentDispatched, number]
        ends = sum(seen[kind, number] for kind in (ShipmentDelivered, DeliveryFailed, ShipmentLost))
        assert ends <= left <= seen[ShipmentPlanned, number]
        assert left + seen[ShipmentCalledOff, number] <= 1
        assert seen[CallOffRefused, number] <= left
    assert not seen[ShipmentCalledOff, 4] + seen[CallOffRefused, 4]
