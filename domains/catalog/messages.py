"""What catalog takes and tells: the products that can be bought, and at what price."""

from typing import Literal

from bus.contract import Contract
from bus.messages import Command, Event, Id, Money, Text


class ListProduct(Command, tag="ListProduct"):
    """Offer a product; the id is its SKU. Listing a delisted one offers it again."""

    name: Text
    price: Money
    category: Text = ""
    seller_id: Id = "shop"


class ChangePrice(Command, tag="ChangePrice"):
    price: Money


class DelistProduct(Command, tag="DelistProduct"):
    """Take a product off the shelves; orders that have been placed are not touched."""


class RecordPastProduct(Command, tag="RecordPastProduct"):
    """Remember a product that was sold elsewhere. It is not offered by that, and has no price."""

    name: Text
    category: Text = ""


class ProductListed(Event, tag="ProductListed"):
    name: Text
    price: Money
    category: Text
    seller_id: Id


class PriceChanged(Event, tag="PriceChanged"):
    price: Money


class ProductDelisted(Event, tag="ProductDelisted"):
    pass


class PastProductRecorded(Event, tag="PastProductRecorded"):
    name: Text
    category: Text
    origin: Literal["history"] = "history"


CONTRACT = Contract(
    domain="catalog",
    commands={"product": (ListProduct, ChangePrice, DelistProduct, RecordPastProduct)},
    events={"product": (ProductListed, PriceChanged, ProductDelisted, PastProductRecorded)},
)
