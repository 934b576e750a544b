"""Whatever the past was, the rules find in it what SQL finds in its files, to the cent."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bus.messages import Command
from bus.testing import at, given
from bus.testing.scenario import At
from bus.testing.told import told
from domains.ordering.domain import DOMAIN as ORDERING
from domains.payments.domain import DOMAIN as PAYMENTS
from domains.shipping.domain import DOMAIN as SHIPPING
from projections.reconciliation import VIEW
from scripts.olist.expected_history import ExpectedHistory
from scripts.olist.files import Files
from scripts.olist.history_found import name_of
from scripts.olist.past import STATES, facts
from tests.e2e.sample import SAMPLE, needs_sample
from tests.olist_orders import BOUGHT, Row, write_tables

ORDERS = 400
OFF = (-300, -3, -2, -1, 0, 0, 0, 1, 2, 3, 250)
"""Cents by which what is paid may be off."""


class Chance:
    """A data set in which all is possible that the facts can tell. What has no items has no parcel
    either, whose dates could be told."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._ids = [f"order-{number}" for number in range(ORDERS)]
        self._prices = {id: self._some_prices() for id in self._ids}

    def tables(self) -> Mapping[str, Iterator[Row]]:
        return {
            "orders": (self._order(id) for id in self._ids),
            "order_items": (
                (id, number, "tea", "ann", "", f"{cents // 100}.{cents % 100:02}", "0.00")
                for id in self._ids
                for number, cents in enumerate(self._prices[id], 1)
            ),
            "order_payments": (row for id in self._ids for row in self._payments(id)),
            "customers": ((f"of-{id}", id, 1, "", "") for id in self._ids),
            "products": iter([("tea", "bebidas")]),
        }

    def _some_prices(self) -> list[int]:
        """Some items cost nothing."""
        return [self._random.choice((0, 590, 1000)) for _ in range(self._random.randrange(3))]

    def _order(self, id: str) -> Row:
        sent = [status for status in STATES if status != "delivered"]
        status = self._random.choice([*STATES] if self._prices[id] else sent)
        approved, carried, arrived = (self._time() for _ in range(3))
        if not self._prices[id]:
            approved, carried, arrived = approved or BOUGHT, "", ""
        return (id, f"of-{id}", status, BOUGHT, approved, carried, arrived, BOUGHT)

    def _time(self) -> str:
        if self._random.random() < 0.3:
            return ""
        days = timedelta(days=self._random.randrange(4))
        return (datetime.fromisoformat(BOUGHT) + days).strftime("%Y-%m-%d %H:%M:%S")

    def _payments(self, id: str) -> Iterator[Row]:
        """One has what the items cost, more or less; others may be there for nothing."""
        cents = max(0, sum(self._prices[id]) + self._random.choice(OFF))
        if self._random.random() < 0.2:
            return
        for number, amount in enumerate([cents, *[0] * self._random.randrange(3)], 1):
            yield id, number, "boleto", 1, f"{amount // 100}.{amount % 100:02}"


def recorded(files: Files) -> Iterator[At]:
    """What the domains tell of each order."""
    for order in files.orders():
        fact = facts(order)
        pairs = ((ORDERING, fact.order), (PAYMENTS, fact.payments), (SHIPPING, fact.shipments))
        for domain, command in pairs:
            assert isinstance(command, Command)
            yield at(order.order_id, *given(domain).when(command).events)


async def as_it_is_found(files: Files) -> Mapping[str, Mapping[str, int]]:
    view = await told(VIEW, *recorded(files))
    rules: dict[str, dict[str, int]] = defaultdict(dict)
    async with view.store.snapshot() as snapshot:
        page = await snapshot.rows.find({}, order="due", limit=10_000)
    for row in page.rows:
        for task in row["tasks"]:
            found = task["found"]
            rules[found["rule"]][row["of"]["id"]] = found["amount"]["amount"]
    return rules


def as_the_files_say(files: Files) -> Mapping[str, Mapping[str, int]]:
    rules = ExpectedHistory(files).rules()
    return {name_of(rule.name): dict(rule.amounts) for rule in rules if rule.amounts}


@pytest.mark.parametrize("seed", range(5))
async def test_a_past_of_chance(tmp_path: Path, seed: int) -> None:
    files = Files(write_tables(tmp_path, Chance(seed).tables()))
    wanted = as_the_files_say(files)
    assert len(wanted) == 15, "it is a past without one of the oddities"
    assert await as_it_is_found(files) == wanted


@needs_sample
async def test_the_past_of_the_sample() -> None:
    files = Files(SAMPLE)
    assert await as_it_is_found(files) == as_the_files_say(files)
