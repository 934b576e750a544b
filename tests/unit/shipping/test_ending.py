"""A parcel that has left has one end; a replacement is a parcel like the others, worth nothing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bus.messages import Event
from bus.testing import NOW
from domains.shipping.ending import Ending
from domains.shipping.messages import (
    CallOffRefused,
    CallOffShipments,
    DeliverShipment,
    DeliveryFailed,
    DispatchShipment,
    FailDelivery,
    LoseShipment,
    ParcelPlan,
    PlanReplacement,
    PlanShipments,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
    ShipmentPlanned,
)
from tests.unit.shipping.test_shipment import (
    ARRIVED,
    EARLIER,
    PLANNED,
    PLANS,
    POT_CALLED_OFF,
    TEA,
    TEA_CALLED_OFF,
    eur,
    left,
    shipping,
)

FAILED = DeliveryFailed(parcel=1, lines=TEA, reason="nobody there", failed_at=NOW)
LOST = ShipmentLost(parcel=1, lines=TEA, reason="a flood", lost_at=NOW)
DELIVER = DeliverShipment(id="o-1")
FAIL = FailDelivery(id="o-1", reason="nobody there")
LOSE = LoseShipment(id="o-1", reason="a flood")
ENDS: list[tuple[Ending, Event, str]] = [
    (DELIVER, ARRIVED, "AlreadyDelivered"),
    (FAIL, FAILED, "DeliveryFailed"),
    (LOSE, LOST, "ShipmentLost"),
]
PLAN = ParcelPlan(seller_id="shop", lines=TEA, value=eur(0))
FURTHER = ShipmentPlanned(parcel=3, seller_id="shop", lines=TEA, value=eur(0), replacement=True)


@pytest.mark.parametrize(("command", "event", "code"), ENDS)
def test_a_parcel_has_one_end(command: Ending, event: Event, code: str) -> None:
    ended = shipping(*PLANNED, left(1)).when(command)

    ended.then(event)
    ended.when(command).then_nothing()
    ended.when(DispatchShipment(id="o-1")).then_nothing()
    for other, _, _ in ENDS:
        if other is not command:
            ended.when(other).then_refused(code)


@pytest.mark.parametrize("command", [FAIL, LOSE])
def test_what_has_not_left_has_no_end(command: Ending) -> None:
    shipping(*PLANNED, left(2)).when(command).then_refused("NotDispatched")
    shipping(*PLANNED, TEA_CALLED_OFF).when(command).then_refused("CalledOff")


def test_a_parcel_that_was_lost_earlier_says_when() -> None:
    elsewhere = EARLIER.astimezone(timezone(timedelta(hours=-3)))
    failed = shipping(*PLANNED, left(1)).when(FailDelivery(id="o-1", failed_at=elsewhere))
    failed.then(DeliveryFailed(parcel=1, lines=TEA, reason="", failed_at=EARLIER))
    lost = shipping(*PLANNED, left(1)).when(LoseShipment(id="o-1", lost_at=elsewhere))
    lost.then(ShipmentLost(parcel=1, lines=TEA, reason="", lost_at=EARLIER))


@pytest.mark.parametrize("told", [datetime(1969, 12, 31, tzinfo=UTC), NOW + timedelta(days=2)])
def test_a_loss_at_a_time_that_cannot_be_is_refused(told: datetime) -> None:
    there = shipping(*PLANNED, left(1))
    there.when(FailDelivery(id="o-1", failed_at=told)).then_refused("TimeOutOfRange")
    there.when(LoseShipment(id="o-1", lost_at=told)).then_refused("TimeOutOfRange")


@pytest.mark.parametrize("end", [FAILED, LOST])
def test_what_has_left_and_is_lost_cannot_be_called_off(end: Event) -> None:
    answered = shipping(*PLANNED, left(1), end).when(CallOffShipments(id="o-1"))

    answered.then(CallOffRefused(parcel=1), POT_CALLED_OFF)
    answered.when(CallOffShipments(id="o-1")).then_nothing()


def test_a_replacement_is_planned_once_and_no_cancellation_calls_it_off() -> None:
    plan = PlanReplacement(id="o-1", parcel=3, plan=PLAN)
    planned = shipping(*PLANNED).when(plan)

    planned.then(FURTHER)
    planned.when(plan).then_nothing()
    planned.when(PlanShipments(id="o-1", parcels=PLANS)).then_nothing()
    off = planned.when(CallOffShipments(id="o-1")).then(TEA_CALLED_OFF, POT_CALLED_OFF)
    off.when(DispatchShipment(id="o-1", parcel=3)).then(
        ShipmentDispatched(
            parcel=3, seller_id="shop", lines=TEA, value=eur(0), carrier="", dispatched_at=NOW
        )
    )


def test_a_replacement_leaves_and_arrives_as_any_parcel() -> None:
    left_too = shipping(*PLANNED, FURTHER).when(DispatchShipment(id="o-1", parcel=3))
    left_too.when(DispatchShipment(id="o-1", parcel=3)).then_nothing()
    left_too.when(CallOffShipments(id="o-1")).then(TEA_CALLED_OFF, POT_CALLED_OFF)
    arrived = left_too.when(DeliverShipment(id="o-1", parcel=3))
    arrived.then(ShipmentDelivered(parcel=3, delivered_at=NOW))
    arrived.when(LoseShipment(id="o-1", parcel=3)).then_refused("AlreadyDelivered")
