"""What catalog takes and tells: the products that can be bought, and at what price."""

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


class ProductListed(Event, tag="ProductListed"):
    name: Text
    price: Money
    category: Text
    seller_id: Id


class PriceChanged(Event, tag="PriceChanged"):
    price: Money


class ProductDelisted(Event, tag="ProductDelisted"):
    pass


CONTRACT = Contract(
    domain="catalog",
    commands={"product": (ListProduct, ChangePrice, DelistProduct)},
    events={"product": (ProductListed, PriceChanged, ProductDelisted)},
)
