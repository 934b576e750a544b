"""Parcels that were sent elsewhere are recorded as they were, with the times that are known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bus.messages import Command, Money
from bus.testing import NOW, given
from domains.shipping.domain import DOMAIN
from domains.shipping.messages import (
    CallOffShipments,
    DeliverShipment,
    DispatchShipment,
    ParcelLine,
    ParcelPlan,
    PastParcel,
    PastShipmentsRecorded,
    PlanShipments,
    RecordPastShipments,
    ShipmentPlanned,
)
from tests.controls.examples.past import ORDER

LINES = [ParcelLine(line=1, sku="tea-1", quantity=2)]
VALUE = Money(1000, "EUR")
PARCEL = PastParcel(
    parcel=1, seller_id="ann", lines=LINES, value=VALUE, state="delivered", delivered_at=NOW
)
OTHER = replace(PARCEL, parcel=2, seller_id="bob", state="planned", delivered_at=None)
RECORD = RecordPastShipments(id="o-1", parcels=[PARCEL, OTHER])
RECORDED = PastShipmentsRecorded(parcels=[PARCEL, OTHER])


def test_what_arrived_may_have_left_nobody_knows_when() -> None:
    given(DOMAIN).when(RECORD).then(RECORDED)


def test_what_had_nothing_to_send_is_recorded_too() -> None:
    given(DOMAIN).when(replace(RECORD, parcels=[])).then(PastShipmentsRecorded(parcels=[]))


def test_the_same_again_changes_nothing_and_anything_else_is_refused() -> None:
    given(DOMAIN, RECORDED).when(RECORD).then_nothing()
    earlier = replace(PARCEL, delivered_at=NOW - timedelta(days=1))
    for parcels in ([PARCEL], [earlier, OTHER], []):
        changed = replace(RECORD, parcels=parcels)
        given(DOMAIN, RECORDED).when(changed).then_refused("OrderExists")


def test_living_parcels_have_no_past() -> None:
    planned = ShipmentPlanned(parcel=1, seller_id="ann", lines=LINES, value=VALUE)

    given(DOMAIN, planned).when(RECORD).then_refused("OrderExists")


@pytest.mark.parametrize(
    "command",
    [
        DispatchShipment(id="o-1", parcel=2),
        DeliverShipment(id="o-1", parcel=1),
        CallOffShipments(id="o-1"),
        PlanShipments(id="o-1", parcels=[ParcelPlan(seller_id="a", lines=LINES, value=VALUE)]),
    ],
)
def test_nothing_else_is_done_about_it(command: Command) -> None:
    given(DOMAIN, RECORDED).when(command).then_refused("PastOrder")


def test_a_past_order_plans_no_parcels() -> None:
    assert given(DOMAIN).when_heard(ORDER, id="o-1").commands == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"parcels": [PARCEL, PARCEL]}, "ParcelTwice"),
        ({"parcels": [PARCEL, replace(OTHER, value=Money(1, "BRL"))]}, "CurrencyMismatch"),
        ({"parcels": [replace(PARCEL, state="dispatched")]}, "StateAndTimes"),
        ({"parcels": [replace(OTHER, dispatched_at=NOW)]}, "StateAndTimes"),
        ({"parcels": [replace(OTHER, state="called_off", dispatched_at=NOW)]}, "StateAndTimes"),
        ({"parcels": [replace(PARCEL, delivered_at=NOW + timedelta(days=2))]}, "TimeOutOfRange"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], code: str) -> None:
    given(DOMAIN).when(replace(RECORD, **change)).then_refused(code)
