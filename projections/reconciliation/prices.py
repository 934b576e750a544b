"""What a SKU was sold for, where nobody had agreed on another price.

An order is priced by ordering's copy of the catalog, so it may cost what the catalog asked for a
moment ago. It is wrong where that is not what the copy said, or what the catalog never asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from bus.envelope import Recorded
from bus.messages import Money
from domains.ordering.messages import OrderPlaced
from projections.reconciliation.found import Found
from projections.reconciliation.obligations import Order
from projections.reconciliation.slots import Facts, Mark

RULE = "price-charged-differs"


def as_text(price: Money) -> str:
    return f"{price.amount} {price.currency}"


def sold(facts: Facts, event: Recorded[OrderPlaced]) -> Facts:
    """Keeps the first order of each price, and every order that was priced otherwise than noted."""
    marks, text = dict(facts.marks), dict(facts.text)
    noted = text.get("price", "")
    for line in event.data.lines:
        price = as_text(line.price)
        if not line.listed or line.sku != facts.of.id:
            continue
        if price != noted:
            marks[f"charged:{event.id}"] = Mark(1, event.position, event.time)
            text[f"charged:{event.id}"] = f"{price}, where ordering had noted {noted or 'nothing'}"
        elif f"sold:{price}" not in marks:
            marks[f"sold:{price}"] = Mark(1, event.position, event.time)
            text[f"sold:{price}"] = event.id
    return replace(facts, marks=marks, text=text)


def charged(sku: Order) -> Iterator[Found]:
    ordering, catalog = sku.get("ordering"), sku.get("catalog")
    if ordering is None:
        return
    for order, mark in ordering.named("charged"):
        yield _found(order, mark, ordering.text[f"charged:{order}"])
    for price, mark in ordering.named("sold"):
        if catalog is None or f"had:{price}" not in catalog.text:
            said = f"{price}, which the catalog has never asked for"
            yield _found(ordering.text[f"sold:{price}"], mark, said)


def _found(order: str, mark: Mark, said: str) -> Found:
    return Found(rule=RULE, said=f"{order} was sold it for {said}", since=mark.time, part=order)
