"""What the past's books don't agree on, by rule; and that SQL and mapping come to the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.olist.expected_history import MONEY, ExpectedHistory
from scripts.olist.files import Files
from scripts.olist.past import facts
from tests.olist_orders import write


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Files]:
    files = Files(write(tmp_path, past=True))
    yield files
    files.close()


def test_each_rule_names_its_orders_and_what_they_come_to(past: Files) -> None:
    rules = {rule.name: (set(rule.orders), rule.cents) for rule in ExpectedHistory(past).rules()}

    cancelled = {"cancelled", "cancelled-late", "cancelled-later", "unavailable", "empty"}
    assert rules == {
        "money kept for a cancelled order": (cancelled, 4 * 1200 + 2000),
        "paid without items": ({"paid-empty", "sent-empty"}, 1200 + 777),
        "items without payment": ({"unpaid", "paid-nothing"}, 2400),
        "paid a rounding apart": ({"cent-short", "rounded"}, 1 + 2),
        "overpaid": ({"overpaid"}, 150),
        "underpaid": ({"underpaid"}, 500),
        "delivered without a carrier date": ({"no-carrier", "no-dates"}, 2400),
        "delivered without a date of delivery": ({"no-dates"}, 1200),
        "left before approval": ({"sent-early"}, 1200),
        "left without approval": ({"early"}, 1200),
        "never finished: approved": ({"approved"}, 1200),
        "never finished: created": ({"created", "open"}, 1200),
        "never finished: invoiced": ({"invoiced", "paid-empty"}, 2400),
        "never finished: processing": ({"processing", "underpaid"}, 1200 + 700),
        "never finished: shipped": (
            {"two-sellers", "rounded", "sent-empty", "paid-nothing"},
            13205 + 1202 + 777,
        ),
    }


def test_an_order_is_found_by_one_rule_of_money_at_most(past: Files) -> None:
    found = [
        id for rule in ExpectedHistory(past).rules() if rule.name in MONEY for id in rule.orders
    ]

    assert len(found) == len(set(found)) == 13


def test_two_cents_on_one_payment_are_no_rounding(tmp_path: Path) -> None:
    folder = write(tmp_path, past=True)
    path = folder / "olist_order_payments_dataset.csv"
    path.write_text(
        path.read_text().replace(
            "cent-short,1,debit_card,1,11.99", "cent-short,1,debit_card,1,11.98"
        )
    )

    rules = {rule.name: rule.orders for rule in ExpectedHistory(Files(folder)).rules()}

    assert "cent-short" in rules["underpaid"]
    assert rules["paid a rounding apart"] == ["rounded"]


def test_sql_and_mapping_come_to_the_same_books(past: Files) -> None:
    books = dict(ExpectedHistory(past).books())
    told = [facts(order) for order in past.orders()]

    paid = {
        one.order.id: sum(payment.amount.amount for payment in one.payments.payments)
        for one in told
    }
    worth = {one.order.id: sum(line.value.amount for line in one.order.lines) for one in told}
    states = {
        f"{one.order.id}/{one.order.customer_id} {one.order.status}, {one.order.state}": 1
        for one in told
    }
    assert books["what was paid for each order"] == paid
    assert books["what each order cost"] == worth
    assert books["orders"] == states
    assert books["facts"] == {
        "catalog": 2,
        "ordering": 25,
        "payments": 25,
        "shipping": 25,
        "inventory": sum(one.stock is not None for one in told),
    }
