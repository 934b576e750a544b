"""An order's parcels: each leaves or is called off, whichever is first."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest

from bus.decider import NotYet, Refused, Unknown
from bus.messages import Money
from bus.testing import NOW, given
from domains.shipping.domain import DOMAIN
from domains.shipping.messages import (
    CallOffRefused,
    CallOffShipments,
    DeliverShipment,
    DispatchShipment,
    ParcelLine,
    ParcelPlan,
    ParcelWithdrawn,
    PlanShipments,
    ShipmentCalledOff,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentPlanned,
    WithdrawParcel,
)

shipping = partial(given, DOMAIN)

TEA = [ParcelLine(line=1, sku="tea-1", quantity=2), ParcelLine(line=3, sku="cup-1", quantity=4)]
POT = [ParcelLine(line=2, sku="pot-1", quantity=1)]
EARLIER = NOW - timedelta(days=3)


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


PLANS = [
    ParcelPlan(seller_id="shop", lines=TEA, value=eur(2000)),
    ParcelPlan(seller_id="potter", lines=POT, value=eur(3500)),
]
PLANNED = (
    ShipmentPlanned(parcel=1, seller_id="shop", lines=TEA, value=eur(2000)),
    ShipmentPlanned(parcel=2, seller_id="potter", lines=POT, value=eur(3500)),
)


def left(number: int, carrier: str = "", at: datetime = NOW) -> ShipmentDispatched:
    plan = PLANNED[number - 1]
    return ShipmentDispatched(
        parcel=number,
        seller_id=plan.seller_id,
        lines=plan.lines,
        value=plan.value,
        carrier=carrier,
        dispatched_at=at,
    )


ARRIVED = ShipmentDelivered(parcel=1, delivered_at=NOW)
TEA_CALLED_OFF = ShipmentCalledOff(parcel=1, lines=TEA)
POT_CALLED_OFF = ShipmentCalledOff(parcel=2, lines=POT)


def test_each_sellers_parcel_is_planned_once() -> None:
    planned = shipping().when(PlanShipments(id="o-1", parcels=PLANS))

    planned.then(*PLANNED)
    planned.when(PlanShipments(id="o-1", parcels=PLANS)).then_nothing()


def test_a_parcel_leaves_with_all_that_others_need_of_it() -> None:
    shipping(*PLANNED).when(DispatchShipment(id="o-1", parcel=2, carrier="post")).then(
        left(2, "post")
    )


def test_a_parcel_that_left_earlier_says_when() -> None:
    elsewhere = EARLIER.astimezone(timezone(timedelta(hours=-3)))

    shipping(*PLANNED).when(DispatchShipment(id="o-1", dispatched_at=elsewhere)).then(
        left(1, at=EARLIER)
    )
    shipping(*PLANNED, left(1)).when(DeliverShipment(id="o-1", delivered_at=elsewhere)).then(
        ShipmentDelivered(parcel=1, delivered_at=EARLIER)
    )


@pytest.mark.parametrize(
    "told",
    [
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        NOW + timedelta(days=2),
    ],
)
def test_a_time_that_cannot_be_is_refused(told: datetime) -> None:
    shipping(*PLANNED).when(DispatchShipment(id="o-1", dispatched_at=told)).then_refused(
        "TimeOutOfRange"
    )
    shipping(*PLANNED, left(1)).when(DeliverShipment(id="o-1", delivered_at=told)).then_refused(
        "TimeOutOfRange"
    )


@pytest.mark.parametrize("command", [DispatchShipment(id="o-1"), DeliverShipment(id="o-1")])
def test_an_order_that_may_just_have_been_confirmed_is_not_refused_on_a_stale_copy(
    command: DispatchShipment | DeliverShipment,
) -> None:
    shipping().when(command).then(NotYet("ordering", Unknown("UnknownShipment")))


@pytest.mark.parametrize(
    "command", [DispatchShipment(id="o-1", parcel=3), DeliverShipment(id="o-1", parcel=3)]
)
def test_a_parcel_that_may_be_a_replacement_just_confirmed_is_not_refused_on_a_stale_copy(
    command: DispatchShipment | DeliverShipment,
) -> None:
    shipping(*PLANNED).when(command).then(NotYet("ordering", Unknown("UnknownParcel", parcels=2)))


def test_leaving_twice_is_leaving_once() -> None:
    shipping(*PLANNED, left(1)).when(DispatchShipment(id="o-1")).then_nothing()
    shipping(*PLANNED, left(1), ARRIVED).when(DispatchShipment(id="o-1")).then_nothing()


def test_a_parcel_arrives_once() -> None:
    arrived = shipping(*PLANNED, left(1)).when(DeliverShipment(id="o-1"))

    arrived.then(ARRIVED)
    arrived.when(DeliverShipment(id="o-1")).then_nothing()


def test_what_has_not_left_cannot_arrive() -> None:
    shipping(*PLANNED, left(2)).when(DeliverShipment(id="o-1", parcel=1)).then_refused(
        "NotDispatched"
    )


def test_parcels_that_are_still_here_are_called_off() -> None:
    called_off = shipping(*PLANNED).when(CallOffShipments(id="o-1"))

    called_off.then(TEA_CALLED_OFF, POT_CALLED_OFF)
    called_off.when(CallOffShipments(id="o-1")).then_nothing()
    called_off.when(DispatchShipment(id="o-1", parcel=1)).then(Refused("CalledOff"))
    called_off.when(DeliverShipment(id="o-1", parcel=1)).then(Refused("CalledOff"))


def test_a_cancellation_gets_an_answer_for_each_parcel_whichever_has_left() -> None:
    answered = shipping(*PLANNED, left(1)).when(CallOffShipments(id="o-1"))

    answered.then(CallOffRefused(parcel=1), POT_CALLED_OFF)
    answered.when(CallOffShipments(id="o-1")).then_nothing()
    answered.when(DeliverShipment(id="o-1", parcel=1)).then(ARRIVED)


def test_what_has_arrived_cannot_be_called_off() -> None:
    shipping(PLANNED[0], left(1), ARRIVED).when(CallOffShipments(id="o-1")).then(
        CallOffRefused(parcel=1)
    )


def test_an_order_without_parcels_has_none_to_call_off() -> None:
    shipping().when(CallOffShipments(id="o-1")).then_nothing()


WITHDRAW = WithdrawParcel(
    id="o-1", parcel=2, rule="line-planned-twice", divergence_id="line-planned-twice-o-1-2"
)
WITHDRAWN = ParcelWithdrawn(
    parcel=2, rule="line-planned-twice", divergence_id="line-planned-twice-o-1-2"
)


def test_a_parcel_beside_another_is_withdrawn_while_it_is_there() -> None:
    shipping(*PLANNED).when(WITHDRAW).then(WITHDRAWN)
    shipping(*PLANNED, left(2)).when(WITHDRAW).then(Refused("HasLeft"))


def test_what_is_withdrawn_never_leaves_and_no_cancellation_asks_for_it() -> None:
    shipping(*PLANNED, WITHDRAWN).when(DispatchShipment(id="o-1", parcel=2)).then(
        Refused("CalledOff")
    )
    shipping(*PLANNED, WITHDRAWN).when(CallOffShipments(id="o-1")).then(TEA_CALLED_OFF)
