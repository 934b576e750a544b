"""What was found in the past, held against what must be."""

from __future__ import annotations

import io

from rich.console import Console

from projections.reconciliation.rules import RULES
from scripts.olist import history_check
from scripts.olist.expected_history import Rule
from scripts.olist.history_check import Found
from scripts.olist.history_found import NAMES, Divergence, name_of, reconciled, sections
from scripts.olist.sides import compare

RULE = Rule("overpaid", [("o-1", 150), ("o-2", 5)])
OPEN = Rule("never finished: created", [("o-3", 0)])
FIRST = Divergence("past-overpaid", "o-1", 150, "right again")
SECOND = Divergence("past-overpaid", "o-2", 5, "waiting for a person")
THIRD = Divergence("past-never-finished-created", "o-3", 0, "being made right")
ALL = [FIRST, SECOND, THIRD]


def differing(*found: Divergence) -> list[tuple[str, int]]:
    return [
        (row.key, row.difference)
        for section in sections([RULE, OPEN], found)
        for row in section.differing
    ]


def test_all_that_must_be_found_and_no_more() -> None:
    assert differing(*ALL) == []


def test_what_is_missing_is_named_also_where_it_comes_to_nothing() -> None:
    assert differing(FIRST, SECOND) == [("past-never-finished-created/o-3", -1)]


def test_what_should_not_be_found_is_named() -> None:
    more = Divergence("past-underpaid", "o-1", 7, "open")
    assert differing(*ALL, more) == [("past-underpaid/o-1", 1), ("past-underpaid/o-1", 7)]


def test_another_amount_is_named() -> None:
    other = Divergence("past-overpaid", "o-1", 149, "open")
    assert differing(other, SECOND, THIRD) == [("past-overpaid/o-1", -1)]


def test_every_rule_of_the_files_is_one_of_reconciliation() -> None:
    known = {rule.name for rule in RULES}
    statuses = ("approved", "created", "invoiced", "processing", "shipped")
    rules = [*NAMES, *(f"never finished: {status}" for status in statuses)]
    assert {name_of(rule) for rule in rules} <= known


def test_a_check_lists_its_rules_with_their_orders_and_what_has_become_of_them() -> None:
    section = compare("orders", "count", {"o-1": 1}, {"o-1": 1})
    told = Found([section], reconciled([RULE], ALL))
    console = Console(file=io.StringIO(), width=200)

    history_check.show(console, told)

    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue().splitlines()
    assert printed[-1] == "overpaid\t2\t1.55\t2\t1.55\t1\t0.05\t1\t1.50\t0"
    (shown,) = history_check.as_json(told)["rules"]
    assert shown == {
        "rule": "overpaid",
        "orders": 2,
        "cents": 155,
        "ids": ["o-1", "o-2"],
        "name": "past-overpaid",
        "found": {"orders": 2, "cents": 155},
        "open": {"orders": 1, "cents": 5},
        "stages": {
            "waiting for a person": {"orders": 1, "cents": 5},
            "right again": {"orders": 1, "cents": 150},
        },
    }
