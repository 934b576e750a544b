"""Products that were sold elsewhere: remembered without a price, and not offered by that."""

from __future__ import annotations

from bus.messages import Money
from bus.testing import given
from domains.catalog.domain import DOMAIN
from domains.catalog.messages import (
    ChangePrice,
    DelistProduct,
    ListProduct,
    PastProductRecorded,
    ProductListed,
    RecordPastProduct,
)
from domains.ordering.domain import DOMAIN as ORDERING

RECORD = RecordPastProduct(id="tea-1", name="bebidas tea-1", category="bebidas")
RECORDED = PastProductRecorded(name="bebidas tea-1", category="bebidas")
LISTED = ProductListed(name="Tea", price=Money(450, "EUR"), category="tea", seller_id="shop")


def test_a_product_is_remembered_once_and_as_it_was() -> None:
    given(DOMAIN).when(RECORD).then(RECORDED)
    given(DOMAIN, RECORDED).when(RECORD).then_nothing()
    other = RecordPastProduct(id="tea-1", name="another")
    given(DOMAIN, RECORDED).when(other).then_refused("ProductExists")


def test_a_product_on_the_shelves_is_known_by_its_offer() -> None:
    given(DOMAIN, LISTED).when(RECORD).then_refused("ProductExists")


def test_what_is_only_remembered_has_no_price_until_it_is_offered() -> None:
    remembered = given(DOMAIN, RECORDED)
    remembered.when(ChangePrice(id="tea-1", price=Money(1, "EUR"))).then_refused("UnknownProduct")
    remembered.when(DelistProduct(id="tea-1")).then_refused("UnknownProduct")
    offer = ListProduct(id="tea-1", name="Tea", price=Money(450, "EUR"), category="tea")
    remembered.when(offer).then(LISTED)


def test_ordering_notes_no_price_of_it() -> None:
    assert given(ORDERING).when_heard(RECORDED, id="tea-1").commands == ()
