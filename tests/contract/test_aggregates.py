"""An aggregate in the `eventsourcing` library's style answers as a decider, word for word."""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from eventsourcing.domain import Aggregate, event

from bus.aggregates import from_aggregate
from bus.decider import Decider, Refused
from bus.messages import Command, Event, Money
from bus.testing.scenario import given
from domains.catalog.domain import DOMAIN as PLAIN
from domains.catalog.messages import (
    ChangePrice,
    DelistProduct,
    ListProduct,
    PriceChanged,
    ProductDelisted,
    ProductListed,
)


class Product(Aggregate):
    """What `domains/catalog/product.py` says, with decorators."""

    @event("Listed")
    def __init__(self, name: str, price: Money, category: str, seller_id: str) -> None:
        self.offer: tuple[str, Money, str, str] | None = (name, price, category, seller_id)
        self.price = price

    def offer_again(self, name: str, price: Money, category: str, seller_id: str) -> None:
        if self.offer is None:
            self._list_again(name, price, category, seller_id)
        elif self.offer != (name, price, category, seller_id):
            raise Refused("AlreadyListed", "It is listed already, with other content.")

    @event("ListedAgain")
    def _list_again(self, name: str, price: Money, category: str, seller_id: str) -> None:
        self.offer = (name, price, category, seller_id)
        self.price = price

    def change_price(self, price: Money) -> None:
        if self.offer is None:
            raise Refused("ProductDelisted", "It is off the shelves.")
        if price.currency != self.price.currency:
            raise Refused("CurrencyMismatch", "The currency can't change.")
        if price != self.price:
            self._reprice(price)

    @event("Repriced")
    def _reprice(self, price: Money) -> None:
        assert self.offer is not None
        self.offer = (self.offer[0], price, *self.offer[2:])
        self.price = price

    def delist(self) -> None:
        if self.offer is not None:
            self._take_off()

    @event("TakenOff")
    def _take_off(self) -> None:
        self.offer = None


PRODUCT = from_aggregate(
    Product,
    creates=ListProduct,
    methods={ListProduct: "offer_again", ChangePrice: "change_price", DelistProduct: "delist"},
    events={
        "Listed": ProductListed,
        "ListedAgain": ProductListed,
        "Repriced": PriceChanged,
        "TakenOff": ProductDelisted,
    },
)
HOSTED = replace(PLAIN, deciders={"product": PRODUCT})


TEA = ListProduct(id="tea-1", name="Tea", price=Money(300, "EUR"))
LISTED = ProductListed(name="Tea", price=Money(300, "EUR"), category="", seller_id="shop")
DEARER = ChangePrice(id="tea-1", price=Money(350, "EUR"))
OFF = DelistProduct(id="tea-1")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_it_tells_its_events_as_messages() -> None:
    (
        given(HOSTED)
        .when(TEA)
        .then(LISTED)
        .when(TEA)
        .then_nothing()
        .when(DEARER)
        .then(PriceChanged(price=Money(350, "EUR")))
        .when(OFF)
        .then(ProductDelisted())
        .when(TEA)
        .then(LISTED)
    )


def test_it_refuses_as_a_decider_does() -> None:
    given(HOSTED).when(DEARER).then_refused("UnknownProduct")
    given(HOSTED, LISTED, ProductDelisted()).when(DEARER).then_refused("ProductDelisted")


def answer(decider: Decider, state: Any, command: Command) -> tuple[Any, Sequence[Event] | str]:
    try:
        events = decider.decide(command, state, NOW)
    except Refused as refusal:
        return state, refusal.code
    for happened in events:
        state = decider.evolve(state, happened)
    return state, list(events)


@pytest.mark.parametrize("seed", range(20))
def test_it_answers_any_commands_as_the_plain_decider_does(seed: int) -> None:
    choose = random.Random(seed)
    prices = [Money(300, "EUR"), Money(350, "EUR"), Money(300, "USD")]
    plain, hosted = PLAIN.deciders["product"], PRODUCT
    one, other = plain.initial, hosted.initial
    for _ in range(30):
        listing = ListProduct(id="tea-1", name="Tea", price=choose.choice(prices))
        repricing = ChangePrice(id="tea-1", price=choose.choice(prices))
        command = choose.choice([listing, repricing, OFF])

        one, expected = answer(plain, one, command)
        other, found = answer(hosted, other, command)

        assert found == expected


def test_deciding_and_evolving_leave_the_state_they_were_given_alone() -> None:
    state = PRODUCT.evolve(None, LISTED)
    before = deepcopy(state)

    PRODUCT.decide(DEARER, state, NOW)
    PRODUCT.evolve(state, ProductDelisted())

    assert state == before
    assert vars(state) == vars(before)


class Witness(Aggregate):
    """Tells what the library believes about id and time."""

    @event("Seen")
    def __init__(self, note: str) -> None:
        self.note = note

    def look(self, note: str) -> None:
        self._looked(f"{note} {self.id}")
        self._looked(self.modified_on.isoformat())

    @event("Looked")
    def _looked(self, note: str) -> None:
        self.note = note


class See(Command, tag="See"):
    note: str


class WasSeen(Event, tag="WasSeen"):
    note: str


def test_time_and_id_come_from_the_command_and_never_from_the_library() -> None:
    witness = from_aggregate(
        Witness,
        creates=See,
        methods={See: "look"},
        events={"Seen": WasSeen, "Looked": WasSeen},
    )
    state = witness.evolve(None, WasSeen(note="first"))

    told = witness.decide(See(id="w-1", note="I am"), state, NOW)

    again = witness.decide(See(id="w-1", note="I am"), state, NOW)
    assert told == again
    assert told[1] == WasSeen(note=NOW.isoformat())
    assert told != witness.decide(See(id="w-2", note="I am"), state, NOW)


def test_a_message_with_other_fields_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"Witness.Seen has the fields \['note'\], its message"):
        from_aggregate(Witness, creates=See, methods={}, events={"Seen": PriceChanged})


def test_creating_twice_is_refused_where_nothing_else_is_said() -> None:
    once = from_aggregate(Witness, creates=See, methods={}, events={"Seen": WasSeen})
    state = once.evolve(once.initial, WasSeen(note="first"))

    with pytest.raises(Refused, match="WitnessExists"):
        once.decide(See(id="w-1", note="second"), state, NOW)
