"""An exchange: what came back leaves once more, or its value is given back."""

import pytest

from bus.decider import NotYet, Refused
from bus.messages import Command
from bus.testing import NOW
from domains.ordering.messages import (
    ConfirmReplacement,
    OrderLine,
    ParcelLost,
    RecordDelivery,
    RecordDispatch,
    RecordLoss,
    RefuseReplacement,
    ReplacementConfirmed,
    ReplacementDelivered,
    ReplacementRequested,
    ReplacementShipped,
    ReplacementUnavailable,
    ReturnAccepted,
)
from domains.ordering.returning import RETURN_WINDOW
from tests.unit.ordering.examples import ARRIVED, HOUR, PAID, POT, TEA, eur, ordering
from tests.unit.ordering.test_returning import THERE, TODAY, came, of, want, wanted

LATER = ARRIVED + RETURN_WINDOW
CONFIRM, REFUSE = ConfirmReplacement(id="o-1", parcel=3), RefuseReplacement(id="o-1", parcel=3)
SEND = RecordDispatch(id="o-1", parcel=3, dispatched_at=LATER)
DELIVER = RecordDelivery(id="o-1", parcel=3, delivered_at=LATER + HOUR)
LOSE = RecordLoss(id="o-1", parcel=3, came_back=False)
FAIL = RecordLoss(id="o-1", parcel=3, came_back=True)

ASKED = (*THERE, wanted({1: 2, 2: 1}, exchange=True))
BACK = ReturnAccepted(
    number=1,
    receipt=1,
    lines=[TEA],
    value=eur(0),
    exchange=True,
    complete=False,
    ordered_at=NOW,
)
ANEW = (*ASKED, BACK, ReplacementRequested(number=1, parcel=3, lines=[TEA]))
KEPT = (*ANEW, ReplacementConfirmed(parcel=3, lines=[TEA]))
SENT = (*KEPT, ReplacementShipped(parcel=3, dispatched_at=LATER))
SECOND = (*SENT, ReplacementDelivered(parcel=3, delivered_at=LATER + HOUR))


def unavailable(*lines: OrderLine, value: int) -> ReplacementUnavailable:
    return ReplacementUnavailable(parcel=3, lines=list(lines), value=eur(value), ordered_at=NOW)


def lost(*lines: OrderLine, value: int, came_back: bool = False) -> ParcelLost:
    return ParcelLost(
        parcel=3, came_back=came_back, lines=list(lines), value=eur(value), ordered_at=NOW
    )


def test_an_exchange_gives_back_nothing_and_asks_for_a_further_parcel_of_each_seller() -> None:
    came_back = ordering(*ASKED).when(came({1: 2, 2: 1}))
    came_back.then(
        ReturnAccepted(
            number=1,
            receipt=1,
            lines=[TEA, POT],
            value=eur(0),
            exchange=True,
            complete=True,
            ordered_at=NOW,
        ),
        ReplacementRequested(number=1, parcel=3, lines=[TEA]),
        ReplacementRequested(number=1, parcel=4, lines=[POT]),
    )


def test_each_receipt_is_replaced_in_parcels_of_its_own() -> None:
    first = ordering(*ASKED).when(came({1: 1}, complete=False))
    second = first.when(came({1: 1}, receipt=2, complete=False))
    parcels = [e.parcel for e in second.events if isinstance(e, ReplacementRequested)]
    assert parcels == [4]
    second.when(came({1: 1}, receipt=2, complete=False)).then_nothing()


def test_a_replacement_is_answered_once() -> None:
    kept = ordering(*ANEW).when(CONFIRM)
    kept.then(ReplacementConfirmed(parcel=3, lines=[TEA]))
    gone = ordering(*ANEW).when(REFUSE)
    gone.then(unavailable(TEA, value=1000))
    for answered in (kept, gone):
        answered.when(CONFIRM).then_nothing()
        answered.when(REFUSE).then_nothing()


def test_a_replacement_leaves_and_arrives_once_and_changes_nothing_of_the_order() -> None:
    left = ordering(*KEPT).when(SEND)
    left.then(ReplacementShipped(parcel=3, dispatched_at=LATER))
    left.when(SEND).then_nothing()
    there = left.when(DELIVER)
    there.then(ReplacementDelivered(parcel=3, delivered_at=LATER + HOUR))
    there.when(DELIVER).then_nothing()
    there.when(LOSE).then_nothing()


@pytest.mark.parametrize(("command", "came_back"), [(LOSE, False), (FAIL, True)])
def test_a_replacement_that_does_not_arrive_has_its_value_given_back_once(
    command: RecordLoss, came_back: bool
) -> None:
    gone = ordering(*SENT).when(command)
    gone.then(lost(TEA, value=1000, came_back=came_back))
    for late in (LOSE, FAIL, SEND, DELIVER):
        gone.when(late).then_nothing()


def test_what_was_replaced_can_come_back_in_a_window_of_its_own() -> None:
    now = LATER + 2 * HOUR
    ordering(*ASKED, BACK).when(want({1: 1}), now=TODAY).then_refused("AlreadyReturned")
    again = ordering(*SECOND).when(want({1: 2}), now=now)
    assert len(again.events) == 1
    again.when(want({1: 1}), now=now).then_refused("AlreadyReturned")
    back = again.when(came({1: 2}, number=2))
    (event,) = back.events
    assert isinstance(event, ReturnAccepted)
    assert event.value == TEA.value


def test_a_replacement_that_may_just_have_arrived_is_not_refused_on_a_stale_copy() -> None:
    refused = NotYet("shipping", Refused("AlreadyReturned"))
    for history in (ANEW, KEPT, SENT):
        ordering(*history).when(want({1: 1}), now=TODAY).then(refused)
    ordering(*SENT).when(LOSE).when(want({1: 1}), now=TODAY).then_refused("AlreadyReturned")


def test_value_is_given_back_once_whichever_way_it_comes_about() -> None:
    one = ordering(*ASKED).when(came({1: 1}, complete=False)).when(REFUSE)
    one.then(unavailable(of(TEA, 1, 50), value=500))
    other = one.when(came({1: 1}, receipt=2, complete=False))
    other.when(RefuseReplacement(id="o-1", parcel=4)).then(
        ReplacementUnavailable(parcel=4, lines=[of(TEA, 1, 50)], value=eur(500), ordered_at=NOW)
    )


@pytest.mark.parametrize("command", [CONFIRM, REFUSE, SEND, DELIVER, LOSE])
def test_a_replacement_that_nobody_asked_for_changes_nothing(command: Command) -> None:
    ordering(*PAID).when(command).then_nothing()
    ordering(*PAID[:1]).when(command).then_nothing()
    ordering(*THERE).when(command).then_nothing()
