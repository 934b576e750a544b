"""All that is looked for: pure checks over the facts of an order or of a SKU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from domains.ordering.messages import DEADLINES
from projections.reconciliation import (
    late,
    money,
    obligations,
    past,
    prices,
    settlement,
    skus,
    strangers,
    units,
)
from projections.reconciliation.found import Found
from projections.reconciliation.obligations import Order
from projections.reconciliation.slots import Facts

Check = Callable[[Order], Iterable[Found]]


class Rule(NamedTuple):
    """`remedy` says in words what would make it right."""

    name: str
    means: str
    remedy: str


OF_AN_ORDER: tuple[Check, ...] = (
    obligations.found,
    units.sent_twice,
    units.reserved_too_much,
    units.books_of_inventory,
    units.planned_twice,
    money.captured_too_much,
    money.captured_too_little,
    money.delivered_without_payment,
    settlement.differs,
    late.stuck,
    late.kept,
    late.held,
    strangers.unknown,
    past.found,
)
OF_A_SKU: tuple[Check, ...] = (
    skus.price_noted,
    prices.charged,
    skus.reserved_beyond_stock,
    skus.not_conserved,
    skus.count_differs,
)

RULES: tuple[Rule, ...] = (
    *(
        Rule(each.rule, each.means, f"{each.domain} takes {each.upstream}'s event again")
        for each in obligations.OBLIGATIONS
    ),
    Rule(
        "cancellation-unanswered",
        "a cancellation waits for shipping's answer",
        "shipping takes ordering's event again",
    ),
    Rule("shipment-doubled", "a parcel has left more than once", "shipping: those don't count"),
    Rule("reserved-too-much", "more is kept than was ordered", "inventory lets go of the rest"),
    Rule(
        "reservation-and-stock-differ",
        "an order's reservation and the SKUs say other numbers of what is kept, left or came back",
        "inventory corrects the SKUs",
    ),
    Rule("line-planned-twice", "two parcels go with one line", "shipping withdraws one of them"),
    Rule("captured-too-much", "more was taken than a parcel costs", "payments gives it back"),
    Rule(
        "captured-too-little",
        "less was taken than a parcel costs",
        "payments claims the rest from others, or it stays unpaid",
    ),
    Rule(
        "rounding", "one cent more or less was taken than a parcel costs", "as with more than one"
    ),
    Rule("delivered-without-payment", "an order arrived for nothing", "a person decides"),
    Rule(
        "settlement-missing-here",
        "the provider reports money that payments knows nothing of",
        "payments takes it as its own, and gives back what nothing accounts for",
    ),
    Rule(
        "settlement-missing-there",
        "payments has money that the provider does not report",
        "payments follows the provider, and claims elsewhere what parcels lack",
    ),
    Rule(
        "settlement-differs",
        "the provider reports another amount than payments has",
        "payments follows the provider, and gives back or claims elsewhere what that leaves",
    ),
    Rule("charged-twice", "the provider took the same once more", "payments gives it back"),
    Rule(
        "settlement-of-unknown-order",
        "the provider has kept money for an order that nobody knows",
        "a person decides",
    ),
    *(
        Rule(f"stuck-{state.replace('_', '-')}", f"an order stays {state}", "a person decides")
        for state in DEADLINES
    ),
    Rule("reserved-too-long", "units wait for an order for very long", "a person decides"),
    Rule("authorized-too-long", "money is held on a card for very long", "a person decides"),
    Rule("unknown-order", "others tell of an order that ordering never took", "a person decides"),
    Rule(
        "price-charged-differs",
        "a listed product was sold for what the catalog did not ask",
        "a person decides",
    ),
    Rule(
        "units-not-conserved",
        "received and returned is not what is on hand, has left or was written off",
        "a person decides",
    ),
    Rule("price-differs", "ordering's price is not the catalog's", "ordering takes it again"),
    Rule("count-differs", "other units were counted than the books say", "inventory takes them"),
    Rule("reserved-beyond-stock", "more is kept than there is", "a person decides"),
    *(Rule(*each) for each in past.NAMED),
)


def check(kind: str, facts: Mapping[str, Facts]) -> list[Found]:
    """All that is wrong with it, or will be if it stays as it is."""
    checks = OF_AN_ORDER if kind == "order" else OF_A_SKU
    return [found for check in checks for found in check(facts)]
