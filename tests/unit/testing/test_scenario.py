"""Given, when, then says what is wrong, and passes only what is right."""

from datetime import timedelta

import pytest

from bus.decider import NotYet, Refused, Unknown
from bus.duties import Deadline
from bus.messages import MAX_AMOUNT, Event, Money
from bus.testing import NOW, at, given
from tests.unit.testing.door import BellRung, DoorLocked, DoorOpened, LockDoor, OpenDoor, doors

OPEN = OpenDoor(id="front")


def test_an_event_that_follows_is_found() -> None:
    given(doors()).when(OPEN).then(DoorOpened())


def test_what_was_given_counts_in_its_order() -> None:
    given(doors(), DoorLocked(), DoorOpened()).when(OPEN).then_nothing()
    given(doors(), DoorOpened(), DoorLocked()).when(OPEN).then(Refused("Locked"))


def test_what_is_given_of_another_id_is_another_ones() -> None:
    given(doors(), at("back", DoorLocked())).when(OPEN).then(DoorOpened())


def test_what_was_decided_counts_for_the_next_command() -> None:
    given(doors()).when(OPEN).then(DoorOpened()).when(OPEN).then_nothing()


def test_events_of_several_aggregates_are_told_apart() -> None:
    locked = given(doors()).when(LockDoor(id="front", others=["back"]))
    locked.then(DoorLocked(), at("back", DoorLocked()))
    with pytest.raises(AssertionError, match="door back"):
        locked.then(DoorLocked(), DoorLocked())


@pytest.mark.parametrize("expected", [[], [DoorLocked()], [DoorOpened(), DoorOpened()]])
def test_other_events_fail_with_what_was_expected_and_what_happened(
    expected: list[Event],
) -> None:
    with pytest.raises(AssertionError, match=r"OpenDoor front led elsewhere") as failure:
        given(doors()).when(OPEN).then(*expected)
    assert "DoorOpened of door front" in str(failure.value)


def test_a_difference_in_a_field_is_shown_line_by_line() -> None:
    command = OpenDoor(id="front", price=Money(5, "EUR"))
    with pytest.raises(AssertionError) as failure:
        given(doors()).when(command).then(DoorOpened(price=Money(6, "EUR")))
    assert str(failure.value).splitlines()[1:] == [
        "  DoorOpened of door front",
        "-     price = Money(amount=6, currency='EUR')",
        "+     price = Money(amount=5, currency='EUR')",
    ]


def test_a_refusal_is_compared_as_far_as_it_is_spelt_out() -> None:
    refused = given(doors(), DoorLocked()).when(OPEN)
    refused.then(Refused("Locked"))
    refused.then(Refused("Locked", "The door is locked."))
    refused.then_refused("Locked", since="noon")


@pytest.mark.parametrize(
    "other",
    [
        Refused("Stuck"),
        Unknown("Locked"),
        Refused("Locked", "Go away."),
        Refused("Locked", since="midnight"),
        NotYet("bells", Refused("Locked")),
        DoorOpened(),
    ],
)
def test_another_refusal_fails_and_names_the_one_that_came(
    other: Refused | NotYet | Event,
) -> None:
    with pytest.raises(AssertionError, match=r"\+ .*Refused\('Locked', 'The door is locked.'\)"):
        given(doors(), DoorLocked()).when(OPEN).then(other)


def test_what_is_unknown_is_refused_too() -> None:
    given(doors("unknown")).when(OPEN).then(Unknown("NoDoor")).then(Refused("NoDoor"))


def test_a_decision_that_waits_for_another_domain_is_no_plain_refusal() -> None:
    waiting = given(doors("stuck")).when(OPEN)
    waiting.then(NotYet("bells", Refused("Stuck")))
    for other in (Refused("Stuck"), NotYet("locks", Refused("Stuck"))):
        with pytest.raises(AssertionError, match="bells may know better"):
            waiting.then(other)


def test_duties_are_those_of_the_commands_own_events() -> None:
    lock = LockDoor(id="front", others=[])
    due = Deadline(name="close", at=NOW + timedelta(minutes=1), command=lock)
    opened = given(doors()).when(OPEN).then_duties(due)
    opened.when(OPEN).then_duties()
    with pytest.raises(AssertionError, match=r"other duties"):
        opened.then_duties()


def test_a_decision_is_made_at_the_time_that_is_given() -> None:
    later = NOW + timedelta(days=3)
    lock = LockDoor(id="front", others=[])
    due = Deadline(name="close", at=later + timedelta(minutes=1), command=lock)
    given(doors()).when(OPEN, now=later).then_duties(due)


def test_another_domains_event_leads_to_commands_and_their_events() -> None:
    rung = given(doors(), at("back", DoorLocked())).when_heard(BellRung(loud=True), id="front")
    assert rung.commands == (OPEN, OpenDoor(id="back"))
    rung.then(DoorOpened(), Refused("Locked"))
    given(doors()).when_heard(BellRung(loud=False), id="front").then_nothing()


def test_an_event_that_nobody_listens_to_is_a_mistake_of_the_test() -> None:
    with pytest.raises(LookupError, match="doors does not listen to DoorOpened"):
        given(doors()).when_heard(DoorOpened(), id="front")


def test_an_event_that_the_contract_does_not_list_is_a_mistake_of_the_test() -> None:
    with pytest.raises(LookupError, match="doors has no event BellRung"):
        given(doors(), BellRung(loud=True)).when(OPEN)


def test_an_event_that_could_not_be_read_again_fails() -> None:
    dear = OpenDoor(id="front", price=Money(MAX_AMOUNT + 1, "EUR"))
    with pytest.raises(AssertionError, match="can be written but not read"):
        given(doors()).when(dear)


def test_deciding_on_what_was_not_read_fails() -> None:
    with pytest.raises(AssertionError, match="without reading it"):
        given(doors(reads_all=False)).when(LockDoor(id="front", others=["back"]))
