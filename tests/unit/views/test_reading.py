"""Events are read as the classes that a view names for them, whatever their age."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from bus.contract import Contract
from bus.messages import Event
from bus.owner import Delivered
from bus.view import Source
from bus.views.reading import Item, Reading
from tests.contract.views.sample import BILLS, DEBTS, Bill, Billed, Renamed
from tests.contract.views.scene import written

VIEW = replace(DEBTS, keys=lambda event: [event.id])


class Owed(Event, tag="Billed"):
    """Of a bill, only the sum."""

    amount: int


def cents(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "amount": data["cents"]}


AGED = replace(BILLS, upcasters={"Billed": (cents,)})
BILL = Billed(who="ann", amount=5)


def read(
    event: Event | bytes, type: str, events: Any = None, contract: Contract = BILLS
) -> Item | None:
    body = event if isinstance(event, bytes) else written(BILLS, "b-1", event).body
    reading = Reading(VIEW, Source(contract, Bill, events))
    return next(iter(reading.items([Delivered(7, type, body)])), None)


def data(item: Item | None) -> Any:
    assert item is not None
    assert item.recorded is not None, item.problem
    return item.recorded.data


def test_an_event_is_what_the_contract_says() -> None:
    item = read(BILL, "Billed")
    assert data(item) == BILL
    assert item is not None
    assert (item.position, item.key, item.keys) == (7, "bill/b-1", ("b-1",))


def test_a_view_may_read_less_of_an_event() -> None:
    assert data(read(BILL, "Billed", [Owed])) == Owed(amount=5)


def test_an_event_without_a_subject_is_read_as_its_body_says() -> None:
    assert data(read(BILL, "", [Owed])) == Owed(amount=5)


def test_a_body_says_what_an_event_is_not_its_subject() -> None:
    assert data(read(Renamed(name="eve"), "Noise")) == Renamed(name="eve")


def test_an_event_that_the_view_does_not_name_is_read_over() -> None:
    assert read(Renamed(name="eve"), "Renamed", [Owed]) is None


def test_an_old_event_is_brought_up_to_date_first() -> None:
    old = {"@type": "Billed", "who": "ann", "cents": 500}
    body = msgspec.json.decode(written(BILLS, "b-1", BILL).body) | {"data": old}
    encoded = msgspec.json.encode(body)
    assert data(read(encoded, "Billed", contract=AGED)) == Billed(who="ann", amount=500)
    assert data(read(encoded, "Billed", [Owed], AGED)) == Owed(amount=500)


def test_what_no_contract_knows_is_named_as_the_problem() -> None:
    item = read(BILL, "Billed", contract=replace(BILLS, events={"bill": (Renamed,)}))
    assert item is not None
    assert item.problem == "ValidationError: bills knows no event Billed"


def envelopes(body: bytes, contract: Contract = BILLS) -> Item:
    reading = Reading(VIEW, Source(contract, Bill, envelopes=True))
    (item,) = reading.items([Delivered(7, "Billed", body)])
    return item


def test_a_view_of_envelopes_gets_all_but_the_data() -> None:
    whole = read(BILL, "Billed")
    assert whole is not None
    assert whole.recorded is not None
    item = envelopes(written(BILLS, "b-1", BILL).body)
    assert item.recorded is not None
    got, said = msgspec.structs.asdict(item.recorded), msgspec.structs.asdict(whole.recorded)
    assert {**got, "event_id": ""} == {**said, "event_id": "", "data": None}


def test_a_view_of_envelopes_gets_events_of_types_that_nobody_knows() -> None:
    knows_none = replace(BILLS, events={"bill": (Renamed,)})
    item = envelopes(written(BILLS, "b-1", BILL).body, knows_none)
    assert item.problem is None
    assert item.recorded is not None
    assert item.recorded.type == "Billed"


def test_what_is_no_envelope_is_a_problem_to_a_view_of_envelopes_too() -> None:
    assert envelopes(b'{"id":1}').problem
