"""However the streams interleave, each view over several of them ends in the same rows.

Views are found as `scripts/up` finds them: a new one is shuffled, too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from msgspec import Struct

from bus.view import View
from projections.orders import VIEW as ORDERS
from scripts.supervisor import discovery
from tests.simulation.shuffling import Told, folded, shuffled, some_orders, wanted

SHUFFLES = 2000
"""Of each view."""


def views() -> Sequence[View]:
    found = [import_module(f"projections.{name}").VIEW for name in discovery.views()]
    return [view for view in found if len(view.sources) > 1]


@pytest.fixture(scope="module")
def told() -> Told:
    return asyncio.run(some_orders())


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_rows_do_not_depend_on_how_the_streams_interleave(view: View, told: Told) -> None:
    if len(wanted(view, told)) < 2:
        pytest.skip("these orders tell of no two of its streams")
    assert interleavings_that_differ(view, told, range(SHUFFLES)) == []


class Quickest(Struct, frozen=True):
    domain: str


def quickest(slots: Mapping[str, Any]) -> Quickest:
    return Quickest(next(iter(slots)))


def test_a_row_that_depends_on_it_would_be_noticed(told: Told) -> None:
    curious = replace(ORDERS, row=quickest, columns={})
    assert interleavings_that_differ(curious, told, range(10))


def interleavings_that_differ(view: View, told: Told, seeds: Iterable[int]) -> Sequence[int]:
    """The seeds of those that end in other rows than one stream after the other."""
    streams = wanted(view, told)
    one_after_the_other = [{domain: items} for domain, items in streams.items()]
    expected = folded(view, one_after_the_other, remembers=True)
    differ = []
    for seed in seeds:
        chance = random.Random(seed)
        remembers = chance.random() < 0.5
        if folded(view, shuffled(streams, chance), remembers=remembers) != expected:
            differ.append(seed)
    return differ
