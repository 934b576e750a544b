"""Ordering's own copy of what a SKU costs, kept from the catalog's events."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from msgspec import Struct

from bus.decider import Decider
from bus.messages import Id, Money
from domains.ordering.messages import ForgetPrice, NotePrice, PriceForgotten, PriceNoted

DEFAULT_SELLER: Id = "shop"


class Unheard(Struct, frozen=True, tag=True):
    """The catalog has not said anything of the SKU so far."""


class Priced(Struct, frozen=True, tag=True):
    price: Money
    seller_id: Id


class Forgotten(Struct, frozen=True, tag=True):
    """Off the shelves; an agreed price still finds its seller."""

    seller_id: Id


Price = Unheard | Priced | Forgotten


def seller_of(price: Price) -> Id:
    match price:
        case Priced(seller_id=seller_id) | Forgotten(seller_id=seller_id):
            return seller_id
        case Unheard():
            return DEFAULT_SELLER
        case _:
            assert_never(price)


def decide(
    command: NotePrice | ForgetPrice, state: Price, now: datetime
) -> Sequence[PriceNoted | PriceForgotten]:
    match command:
        case NotePrice(price=price, seller_id=seller_id):
            noted = PriceNoted(price=price, seller_id=seller_id or seller_of(state))
            return [] if evolve(state, noted) == state else [noted]
        case ForgetPrice():
            return [PriceForgotten()] if isinstance(state, Priced) else []
        case _:
            assert_never(command)


def evolve(state: Price, event: PriceNoted | PriceForgotten) -> Price:
    match event:
        case PriceNoted(price=price, seller_id=seller_id):
            return Priced(price, seller_id)
        case PriceForgotten():
            return Forgotten(seller_of(state))
        case _:
            assert_never(event)


PRICE = Decider(initial=Unheard(), decide=decide, evolve=evolve, state=Price)
