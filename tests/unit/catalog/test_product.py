"""A product's rules: listed once, repriced, taken off the shelves."""

from functools import partial

from bus.decider import Refused, Unknown
from bus.messages import Money
from bus.testing import given
from domains.catalog.domain import DOMAIN
from domains.catalog.messages import (
    ChangePrice,
    DelistProduct,
    ListProduct,
    PriceChanged,
    ProductDelisted,
    ProductListed,
)

EUR_450 = Money(450, "EUR")
EUR_480 = Money(480, "EUR")
LIST = ListProduct(id="tea-1", name="Green tea", price=EUR_450, category="tea")
LISTED = ProductListed(name="Green tea", price=EUR_450, category="tea", seller_id="shop")
DELIST = DelistProduct(id="tea-1")

catalog = partial(given, DOMAIN)


def test_a_new_product_is_listed_as_it_was_described() -> None:
    catalog().when(LIST).then(LISTED)


def test_listing_the_same_again_changes_nothing() -> None:
    catalog(LISTED).when(LIST).then_nothing()


def test_listing_something_else_under_a_known_sku_is_refused() -> None:
    other = ListProduct(id="tea-1", name="Black tea", price=EUR_450, category="tea")
    catalog(LISTED).when(other).then(Refused("AlreadyListed"))


def test_a_listing_that_was_repriced_since_is_not_the_same_any_more() -> None:
    catalog(LISTED, PriceChanged(price=EUR_480)).when(LIST).then_refused("AlreadyListed")


def test_a_delisted_product_can_be_listed_again_with_other_content() -> None:
    offer = ListProduct(id="tea-1", name="Green tea, organic", price=Money(500, "USD"))
    catalog(LISTED, ProductDelisted()).when(offer).then(
        ProductListed(
            name="Green tea, organic", price=Money(500, "USD"), category="", seller_id="shop"
        )
    )


def test_a_price_changes() -> None:
    catalog(LISTED).when(ChangePrice(id="tea-1", price=EUR_480)).then(PriceChanged(price=EUR_480))


def test_changing_to_the_price_it_has_changes_nothing() -> None:
    changed = PriceChanged(price=EUR_480)
    catalog(LISTED, changed).when(ChangePrice(id="tea-1", price=EUR_480)).then_nothing()


def test_a_price_can_go_back_to_what_it_was() -> None:
    changed = PriceChanged(price=EUR_480)
    again = PriceChanged(price=EUR_450)
    catalog(LISTED, changed).when(ChangePrice(id="tea-1", price=EUR_450)).then(again)


def test_the_currency_of_a_price_cannot_change() -> None:
    dollars = ChangePrice(id="tea-1", price=Money(450, "USD"))
    catalog(LISTED).when(dollars).then(Refused("CurrencyMismatch"))


def test_an_unknown_product_has_no_price_to_change() -> None:
    catalog().when(ChangePrice(id="tea-1", price=EUR_480)).then(Unknown("UnknownProduct"))


def test_a_delisted_product_has_no_price_to_change() -> None:
    gone = catalog(LISTED, ProductDelisted())
    gone.when(ChangePrice(id="tea-1", price=EUR_480)).then(Refused("ProductDelisted"))


def test_a_product_is_taken_off_the_shelves_once() -> None:
    catalog(LISTED).when(DELIST).then(ProductDelisted()).when(DELIST).then_nothing()


def test_an_unknown_product_cannot_be_delisted() -> None:
    catalog().when(DELIST).then(Unknown("UnknownProduct"))
