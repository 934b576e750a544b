"""Whatever happened in whatever order: a cut shows no effect without its cause."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from bus.cuts.cutting import Contradiction, Cut, Cutting, NotFolded
from bus.cuts.layout import Layout
from bus.cuts.tree import Tree
from tests.unit.cuts.histories import (
    DOMAINS,
    History,
    Told,
    histories,
    lacks,
    largest,
    latest,
    microsecond,
    read,
    smallest,
    until,
)

T = TypeVar("T")


def ask(history: History, question: Callable[[Cutting], Awaitable[T]]) -> T:
    async def answer() -> T:
        store = await read(history)
        async with store.snapshot() as snapshot:
            tree = Tree(snapshot.rows, DOMAINS, Layout(fan=2, levels=3))
            await tree.begin()
            return await question(Cutting(tree))

    return asyncio.run(answer())


@st.composite
def named_positions(draw: st.DrawFn) -> tuple[History, Cut]:
    history = draw(histories())
    domains = draw(st.lists(st.sampled_from(DOMAINS), min_size=1, unique=True))
    return history, {d: draw(st.integers(0, len(history[d]))) for d in domains}


@given(histories(), st.integers(-5, 20))
def test_a_time_has_the_largest_cut_without_an_effect_before_its_cause(
    history: History, second: int
) -> None:
    cut = ask(history, lambda cutting: cutting.at_time(microsecond(second)))
    assert not lacks(history, cut)
    assert cut == largest(history, until(history, second))


@given(named_positions())
def test_named_positions_are_kept_or_it_is_said_why_they_cannot_be(
    given: tuple[History, Cut],
) -> None:
    history, named = given
    needed = smallest(history, named)
    try:
        cut = ask(history, lambda cutting: cutting.at_positions(named))
    except Contradiction as contradiction:
        event("contradiction over several" if len(contradiction.needs) > 1 else "contradiction")
        assert needed is None
        assert_explains(contradiction, history, named)
        return
    assert needed is not None
    event("raised" if needed != {**dict.fromkeys(DOMAINS, 0), **named} else "not raised")
    assert not lacks(history, cut)
    assert named.items() <= cut.items()
    then = until(history, latest(history, named))
    upto = {d: named.get(d, max(then[d], needed[d])) for d in DOMAINS}
    assert cut == largest(history, upto, named)


def assert_explains(contradiction: Contradiction, history: History, named: Cut) -> None:
    """A chain of true causes from a named event to one beyond what is named."""
    needs = contradiction.needs
    assert needs[0].domain in named
    assert needs[0].position <= named[needs[0].domain]
    for need in needs:
        assert history[need.domain][need.position - 1].cause == (need.of, need.cause)
    for before, after in pairwise(needs):
        assert before.of == after.domain
        assert before.cause >= after.position
    assert needs[-1].cause > named[needs[-1].of]


@given(histories())
def test_a_position_that_was_not_folded_is_told(history: History) -> None:
    beyond = {"b": len(history["b"]) + 1}
    with pytest.raises(NotFolded) as told:
        ask(history, lambda cutting: cutting.at_positions(beyond))
    assert told.value.missing == beyond


def test_a_cause_that_was_not_folded_is_told_and_its_effect_not_shown() -> None:
    ahead: History = {"a": [], "b": [Told(1, ("a", 7))], "c": []}
    with pytest.raises(NotFolded) as told:
        ask(ahead, lambda cutting: cutting.at_positions({"b": 1}))
    assert told.value.missing == {"a": 7}
    assert ask(ahead, lambda cutting: cutting.at_time(microsecond(9))) == dict.fromkeys(DOMAINS, 0)
