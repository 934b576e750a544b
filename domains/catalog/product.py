"""A product on the shelves: listed once, repriced, taken off again."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from bus.decider import Decider, Refused, Unknown
from domains.catalog.messages import (
    ChangePrice,
    DelistProduct,
    ListProduct,
    PastProductRecorded,
    PriceChanged,
    ProductDelisted,
    ProductListed,
    RecordPastProduct,
)


class Unlisted(Struct, frozen=True, tag=True):
    """Never offered."""


class Remembered(Struct, frozen=True, tag=True):
    """Sold elsewhere once, as `fact` says; never offered here."""

    fact: PastProductRecorded


class Listed(Struct, frozen=True, tag=True):
    """On offer, as `offer` says now."""

    offer: ProductListed


class Delisted(Struct, frozen=True, tag=True):
    """Offered once, no longer."""


Product = Unlisted | Remembered | Listed | Delisted
ProductCommand = ListProduct | ChangePrice | DelistProduct | RecordPastProduct
ProductEvent = ProductListed | PriceChanged | ProductDelisted | PastProductRecorded


def decide(command: ProductCommand, state: Product, now: datetime) -> Sequence[ProductEvent]:
    match command:
        case ListProduct():
            return _list(command, state)
        case ChangePrice():
            return _change_price(command, state)
        case DelistProduct():
            return _delist(command, state)
        case RecordPastProduct():
            return _remember(command, state)
        case _:
            assert_never(command)


def _list(command: ListProduct, state: Product) -> Sequence[ProductListed]:
    offer = ProductListed(
        name=command.name,
        price=command.price,
        category=command.category,
        seller_id=command.seller_id,
    )
    match state:
        case Unlisted() | Remembered() | Delisted():
            return [offer]
        case Listed(offer=current) if current == offer:
            return []
        case Listed():
            raise Refused("AlreadyListed", f"{command.id} is listed already, with other content.")
        case _:
            assert_never(state)


def _change_price(command: ChangePrice, state: Product) -> Sequence[PriceChanged]:
    match state:
        case Listed(offer=offer) if offer.price.currency != command.price.currency:
            raise Refused(
                "CurrencyMismatch",
                f"{command.id} is priced in {offer.price.currency}, and that can't change.",
            )
        case Listed(offer=offer) if offer.price == command.price:
            return []
        case Listed():
            return [PriceChanged(price=command.price)]
        case Delisted():
            raise Refused("ProductDelisted", f"{command.id} is off the shelves: list it again.")
        case Unlisted() | Remembered():
            raise _unknown(command.id)
        case _:
            assert_never(state)


def _delist(command: DelistProduct, state: Product) -> Sequence[ProductDelisted]:
    match state:
        case Listed():
            return [ProductDelisted()]
        case Delisted():
            return []
        case Unlisted() | Remembered():
            raise _unknown(command.id)
        case _:
            assert_never(state)


def _remember(command: RecordPastProduct, state: Product) -> Sequence[PastProductRecorded]:
    fact = PastProductRecorded(name=command.name, category=command.category)
    match state:
        case Unlisted():
            return [fact]
        case Remembered(fact=known) if known == fact:
            return []
        case Remembered() | Listed() | Delisted():
            raise Refused("ProductExists", f"{command.id} is known already, by other words.")
        case _:
            assert_never(state)


def _unknown(sku: str) -> Unknown:
    return Unknown("UnknownProduct", f"There is no product {sku}.")


def evolve(state: Product, event: ProductEvent) -> Product:
    match event:
        case ProductListed():
            return Listed(event)
        case PriceChanged(price=price):
            return Listed(replace(state.offer, price=price)) if isinstance(state, Listed) else state
        case ProductDelisted():
            return Delisted()
        case PastProductRecorded():
            return Remembered(event)
        case _:
            assert_never(event)


PRODUCT = Decider(initial=Unlisted(), decide=decide, evolve=evolve, state=Product)
