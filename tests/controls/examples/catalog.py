"""A product's life."""

from bus.messages import Money
from domains.catalog.messages import CONTRACT, PriceChanged, ProductDelisted, ProductListed

EVENTS = [
    (
        "tea-1",
        ProductListed(
            name="Chá verde, 100 g", price=Money(450, "EUR"), category="tea", seller_id="shop"
        ),
    ),
    ("tea-1", PriceChanged(price=Money(480, "EUR"))),
    ("tea-1", ProductDelisted()),
]
__all__ = ["CONTRACT", "EVENTS"]
